"""ralphd: a language server that implements, reviews and attacks code with a loop of agents."""

__version__ = "0.1.0"
