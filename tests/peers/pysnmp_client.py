"""A manager made with pysnmp, for the tests: what it is told to ask on standard input, and what came of it.

Each line in is a JSON object: `version` (1, 2 or 3), `community` or `user` with `auth`, `auth_password`, `priv` and
`priv_password` as the configuration of vitalsd names them, `operation` (get, next, bulk, set), `oids`, and for set `values`,
strings. Each line out is one too: `indication`, the name of what kept a request from its answer, or null; `status`, the
error-status as a number; and `binds`, pairs of name and value as text.
"""

import argparse
import asyncio
import json
import sys

from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData, ContextData, ObjectIdentity, ObjectType, OctetString, SnmpEngine, UdpTransportTarget, UsmUserData, bulk_cmd,
    get_cmd, next_cmd, set_cmd, usmAesBlumenthalCfb192Protocol, usmAesBlumenthalCfb256Protocol, usmAesCfb128Protocol,
    usmAesCfb192Protocol, usmAesCfb256Protocol, usmDESPrivProtocol, usmHMAC128SHA224AuthProtocol, usmHMAC192SHA256AuthProtocol,
    usmHMAC256SHA384AuthProtocol, usmHMAC384SHA512AuthProtocol, usmHMACMD5AuthProtocol, usmHMACSHAAuthProtocol,
    usmNoAuthProtocol, usmNoPrivProtocol,
)

AUTHS = {
    "none": usmNoAuthProtocol,
    "md5": usmHMACMD5AuthProtocol,
    "sha1": usmHMACSHAAuthProtocol,
    "sha224": usmHMAC128SHA224AuthProtocol,
    "sha256": usmHMAC192SHA256AuthProtocol,
    "sha384": usmHMAC256SHA384AuthProtocol,
    "sha512": usmHMAC384SHA512AuthProtocol,
}

# What pysnmp calls AES-192 and AES-256 without more extends keys as Reeder's draft says.
PRIVACIES = {
    "none": usmNoPrivProtocol,
    "des": usmDESPrivProtocol,
    "aes128": usmAesCfb128Protocol,
    "aes192": usmAesBlumenthalCfb192Protocol,
    "aes256": usmAesBlumenthalCfb256Protocol,
    "aes192c": usmAesCfb192Protocol,
    "aes256c": usmAesCfb256Protocol,
}


def who(question):
    """Whom pysnmp shall ask as."""
    if question["version"] < 3:
        return CommunityData(question["community"], mpModel=question["version"] - 1)
    return UsmUserData(
        question["user"],
        authKey=question.get("auth_password"),
        privKey=question.get("priv_password"),
        authProtocol=AUTHS[question.get("auth", "none")],
        privProtocol=PRIVACIES[question.get("priv", "none")],
    )


class Engines:
    """Engines are slow to make, but one of them can't know two keys of one user: the second has another engine."""

    def __init__(self):
        self.engines = []
        self.identities = {}

    def find(self, question):
        """The engine to ask as this identity with."""
        same_name = self.identities.setdefault(question.get("user"), [])
        identity = [question.get(field) for field in ("auth", "auth_password", "priv", "priv_password")]
        if identity not in same_name:
            same_name.append(identity)
        place = same_name.index(identity)
        if place == len(self.engines):
            self.engines.append(SnmpEngine())
        return self.engines[place]


async def ask(port, engine, question):
    """One request."""
    target = await UdpTransportTarget.create(("127.0.0.1", port), timeout=3, retries=1)
    names = [ObjectIdentity(oid) for oid in question["oids"]]
    binds = [ObjectType(name) for name in names]
    context = (engine, who(question), target, ContextData())
    match question["operation"]:
        case "get":
            answer = get_cmd(*context, *binds, lookupMib=False)
        case "next":
            answer = next_cmd(*context, *binds, lookupMib=False)
        case "bulk":
            answer = bulk_cmd(*context, 0, question.get("repetitions", 10), *binds, lookupMib=False)
        case "set":
            values = map(OctetString, question["values"])
            answer = set_cmd(*context, *map(ObjectType, names, values), lookupMib=False)
    indication, status, _, binds = await answer
    return {
        "indication": type(indication).__name__ if indication else None,
        "status": int(status),
        "binds": [[str(name), value.prettyPrint()] for name, value in binds],
    }


async def main():
    """Answers line by line."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("port", type=int, help="the UDP port of the agent on 127.0.0.1")
    port = arguments.parse_args().port
    engines = Engines()
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(await ask(port, engines.find(question), question)), flush=True)


asyncio.run(main())
