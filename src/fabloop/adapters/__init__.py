"""One folder for each foreign system; protocol code belongs in third-party libraries."""
