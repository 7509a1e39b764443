"""Flask's package `sansio`."""
