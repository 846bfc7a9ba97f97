"""The life of a day: imported, sealed, exported, built, dropped. Dagster and the command line call it alike."""
