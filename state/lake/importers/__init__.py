"""From folders of published data and from users' files into a lake."""

from state.lake.importers.importing import ImportReport, import_folder

__all__ = ["ImportReport", "import_folder"]
