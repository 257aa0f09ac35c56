"""Whether a plug-in keeps the contract: it is built, run, killed and spoiled; one line for what must hold."""
