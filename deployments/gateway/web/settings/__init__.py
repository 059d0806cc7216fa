"""Settings of an owner: the own currency and the first day of the year."""
