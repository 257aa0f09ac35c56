"""Validates a crate with the validator of its profiles, without network: python validate_crate.py FOLDER.

Runs in an environment of its own (packages roc-validator and rocrate). The profiles' contexts are documents of the
web; here they are made of the context that rocrate carries, with the few terms that have other names in version 1.1.
"""

import json
import sys
from pathlib import Path

import rdflib.plugins.shared.jsonld.context as jsonld_context
import rdflib.plugins.shared.jsonld.util as jsonld_util
import requests
import requests_cache
import rocrate

BIOSCHEMAS = "https://bioschemas.org"
OF_VERSION_1_1 = {
    "ComputationalWorkflow": f"{BIOSCHEMAS}/ComputationalWorkflow",
    "FormalParameter": f"{BIOSCHEMAS}/FormalParameter",
    "input": f"{BIOSCHEMAS}/properties/input",
    "output": f"{BIOSCHEMAS}/properties/output",
}
CARRIED = json.loads((Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text(encoding="utf-8"))
DOCUMENTS = {
    "https://w3id.org/ro/crate/1.1/context": {"@context": {**CARRIED["@context"], **OF_VERSION_1_1}},
    "https://w3id.org/ro/terms/workflow-run/context": {"@context": {}},
}

_read = jsonld_util.source_to_json


def source_to_json(source, *arguments, **named):
    if str(source) in DOCUMENTS:
        return DOCUMENTS[str(source)], None
    return _read(source, *arguments, **named)


def request(_session, _method, url, *_arguments, **_named):
    if str(url) not in DOCUMENTS:
        raise requests.ConnectionError(f"no network: {url}")
    answer = requests.Response()
    answer.status_code, answer.url, answer.reason = 200, url, "OK"
    answer.headers["Content-Type"] = "application/ld+json"
    answer._content = json.dumps(DOCUMENTS[str(url)]).encode()
    return answer


jsonld_util.source_to_json = jsonld_context.source_to_json = source_to_json
requests.Session.request = requests_cache.CachedSession.request = request


def main():
    from rocrate_validator import models, services

    settings = services.ValidationSettings(
        rocrate_uri=sys.argv[1],
        profile_identifier="workflow-run-crate",
        requirement_severity=models.Severity.REQUIRED,
    )
    result = services.validate(settings)
    for issue in result.get_issues():
        sys.stdout.write(f"{issue.severity.name} {issue.check.identifier}: {issue.message}\n")
    passed = len(result.executed_checks - result.failed_checks)
    if not result.has_issues() and passed:
        sys.stdout.write(f"{passed} checks passed\n")
    return int(result.has_issues() or not passed)


if __name__ == "__main__":
    sys.exit(main())
