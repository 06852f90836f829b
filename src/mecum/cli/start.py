"""`mecum up` and `mecum version`."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated

import typer

from mecum import __version__
from mecum.cli.output import DATA, DataOption, JsonOption, make_app, write_json
from mecum.kit.errors import StartError

up = make_app()
version = make_app()


@up.command()
def up_command(
    host: Annotated[
        str,
        typer.Option(envvar="MECUM_HOST", help="Address to listen on; beyond this machine it takes https."),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            envvar="MECUM_PORT", metavar="PORT", min=1, max=65535, help="Port of the app, the API and the web client."
        ),
    ] = 8080,
    data: DataOption = DATA,
    public_url: Annotated[
        str, typer.Option(envvar="MECUM_PUBLIC_URL", metavar="URL", help="Address that people use, https://...")
    ] = "",
    tls_cert: Annotated[
        Path | None,
        typer.Option(envvar="MECUM_TLS_CERT", metavar="FILE", help="Certificate chain (PEM), to serve https itself."),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(envvar="MECUM_TLS_KEY", metavar="FILE", help="Private key (PEM) of the certificate.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Start Mecum and keep it running.

    Prints the address, and while there is no owner a one-time link that makes the first account. Ctrl-C or SIGTERM
    stops it: what runs is finished or handed back first.

    Exit codes: 0 stopped as asked, 78 it can't start as it is set up, 1 anything else.
    """
    import os

    from mecum.cli.up import Options, run_up
    from mecum.cli.watch import Patience

    options = Options(
        host=host,
        port=port,
        data=data,
        public_url=public_url.rstrip("/"),
        tls_cert=_file(tls_cert),
        tls_key=_file(tls_key),
        trusted_proxies=os.environ.get("MECUM_TRUSTED_PROXIES", ""),
        database_url=os.environ.get("MECUM_DATABASE_URL", ""),
        patience=Patience.of(os.environ),
    )
    raise typer.Exit(run_up(options, json=json))


def _file(path: Path | None) -> Path | None:
    """Raises StartError when it can't be read: better now than in a child process."""
    if path is None or str(path) in ("", "."):
        return None
    found = path.expanduser().absolute()
    try:
        found.open("rb").close()
    except OSError as error:
        raise StartError(
            "cli.file_unreadable",
            f"{found} can't be read ({error.strerror}).",
            "Check the path and the rights of the file.",
            params={"file": str(found), "reason": error.strerror or type(error).__name__},
        ) from error
    return found


@version.command()
def version_command(json: JsonOption = False) -> None:
    """Show which Mecum this is."""
    python, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    if json:
        write_json({"mecum": __version__, "python": python, "system": system})
    else:
        print(f"mecum {__version__}  (Python {python}, {system})")
