"""Entry point of the command `sirr-orch`."""

from orchestrator.cli.app import main

if __name__ == "__main__":
    main()
