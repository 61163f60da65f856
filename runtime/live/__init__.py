"""The live page and the service; starlette and uvicorn are imported only here, and only when asked for.

`http/` knows who may ask and how answers are written, `service/` recognizes what is posted, `viewers/` feeds browsers,
`shared/` is what both sides look at. `page/` is what the browser loads: plain JavaScript modules and one style sheet.
"""
