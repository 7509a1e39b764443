"""What whoever runs an app asks it: is it safe to put on the internet?  A guest of the app: looks, changes nothing."""

from kolben.ops.check import Finding, check_production

__all__ = ["Finding", "check_production"]
