"""The web app: its routes, its guards, and errors as one sentence of JSON."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lcjax.errors import DataError, LcjaxError, first_line
from lcjax.hunt.guards import Guard
from lcjax.hunt.night import Night
from lcjax.hunt.routes import candidates, doors, exporting, voting

PAGE = Path(__file__).parent / "page"


def make_app(night: Night) -> FastAPI:
    """The app of one night; serving it is its caller's."""
    app = FastAPI(title="lcjax hunt", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.night = night
    for module in (doors, candidates, voting, exporting):
        app.include_router(module.router)

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=1)
    app.add_middleware(Guard, names=tuple(night.names), secure=night.secure)

    @app.exception_handler(LcjaxError)
    def mended_by_the_user(request: Request, error: LcjaxError) -> Response:
        return JSONResponse({"error": str(error)}, 404 if isinstance(error, DataError) else 400)

    @app.exception_handler(SQLAlchemyError)
    def not_kept(request: Request, error: SQLAlchemyError) -> Response:
        reason = first_line(error.orig if isinstance(error, DBAPIError) and error.orig else error)
        return JSONResponse({"error": f"the database does not take it ({reason}): see to its disk or server"}, 503)

    @app.exception_handler(RequestValidationError)
    def misshapen(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return JSONResponse({"error": f"{where or 'the request'}: {first['msg']}"}, 422)

    return app
