"""The live page and the service; starlette and uvicorn are imported only here, and only when asked for."""
