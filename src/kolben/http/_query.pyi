from werkzeug.datastructures import ImmutableMultiDict

class Args(ImmutableMultiDict[str, str]):
    """What `request.args` is: Werkzeug's type, whose look-ups are native."""
