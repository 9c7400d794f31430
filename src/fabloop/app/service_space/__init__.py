"""The service space of a folder: descriptions kept, found, composed, called, answers remembered."""

from fabloop.app.service_space.filling import data_filler
from fabloop.app.service_space.folder import ServiceFolder
from fabloop.app.service_space.words import likeness_of

__all__ = ["ServiceFolder", "data_filler", "likeness_of"]
