"""Words for errors that other libraries raise."""


def last_line(error: Exception) -> str:
    """What TorchScript says went wrong, which stands below a trace."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()


def first_line(error: Exception) -> str:
    """What an error says in one line; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
