"""What Python's own parser says of text that it cannot take.

Beside a syntax error it raises `ValueError` (a null byte), `RecursionError` (the tree is too deep to walk) and
`MemoryError` (its own stack is full: a file of 20,000 dashes). None of them is a defect of ralphd: the text is not
understood, that is all.
"""

from __future__ import annotations

NOT_UNDERSTOOD: tuple[type[Exception], ...] = (SyntaxError, ValueError, RecursionError, MemoryError)
"""For `except NOT_UNDERSTOOD:` around `ast.parse`, `ast.unparse` and walks of their trees."""
