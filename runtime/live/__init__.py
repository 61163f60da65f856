"""The live page and the service as one sink and its routes; starlette and uvicorn are imported only in here."""
