"""Loggers whose records are fit to be shown: without a configuration, Python writes them to the terminal."""

from __future__ import annotations

import logging
import traceback

from lamella.system.text import LINE, made_printable, printable, printable_lines

__all__ = ["logger_of"]


def logger_of(module: str) -> logging.Logger:
    """Give the logger of a module; what a file or a path brings into its records cannot act on a terminal."""
    logger = logging.getLogger(module)
    if not any(isinstance(one, _Printable) for one in logger.filters):
        logger.addFilter(_Printable())
    return logger


class _Printable(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        try:
            record.msg, record.args = printable(record.getMessage(), LINE), None
        except Exception:  # arguments that do not fit: the handler says so
            return True
        if record.exc_info and record.exc_info[1] is not None:
            shown = made_printable(record.exc_info[1])
            record.exc_text = printable_lines("".join(traceback.format_exception(shown)).rstrip())
        return True
