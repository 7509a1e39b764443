"""What an app and its extensions put on the command line: AppGroup, ScriptInfo, with_appcontext."""
