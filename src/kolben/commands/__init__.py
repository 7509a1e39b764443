"""What an app and its extensions put on the command line: AppGroup, ScriptInfo, with_appcontext."""

from kolben.app.environment import load_dotenv
from kolben.app.running import show_server_banner
from kolben.commands.finding import (
    NoAppException,
    find_app_by_string,
    find_best_app,
    locate_app,
    prepare_import,
)
from kolben.commands.groups import (
    AppGroup,
    FlaskGroup,
    ScriptInfo,
    pass_script_info,
    with_appcontext,
)
from kolben.commands.running import run_command
from kolben.commands.showing import routes_command, shell_command
from kolben.commands.values import CertParamType, SeparatedPathType

__all__ = [
    "AppGroup",
    "CertParamType",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "find_app_by_string",
    "find_best_app",
    "load_dotenv",
    "locate_app",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "shell_command",
    "show_server_banner",
    "with_appcontext",
]
