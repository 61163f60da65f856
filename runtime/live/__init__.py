"""The live page and the service; starlette and uvicorn are imported only here, and only when asked for.

`http/` knows who may ask and how answers are written, this folder what is shown and recognized. `page/` is what the
browser loads: plain JavaScript modules and one style sheet, nothing built, nothing fetched from elsewhere.
"""
