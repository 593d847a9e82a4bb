# SPDX-License-Identifier: Apache-2.0
"""A throw-away PKI made by the openssl program.

In: a folder.   Out: in it NAME.crt and NAME.key for the certificates of CERTIFICATES, ca.crt, upstream-ca.crt.
"""
import os
import subprocess
import tempfile

# name → (CA, subject, extended key usage)
CERTIFICATES = {
    "server": ("ca", "/CN=gate", "serverAuth"),
    "tester": ("ca", "/O=testers/O=auditors/CN=tester", "clientAuth"),
    "narrow": ("ca", "/O=limited/CN=narrow", "clientAuth"),
    "node-1": ("ca", "/O=system:nodes/CN=system:node:node-1", "clientAuth"),
    "node-2": ("ca", "/O=system:nodes/CN=system:node:node-2", "clientAuth"),
    "upstream": ("upstream-ca", "/CN=upstream", "serverAuth"),
    "proxy": ("upstream-ca", "/CN=front-proxy-client", "clientAuth"),
}


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


def make_key(name, folder):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key", folder=folder)


def make_pki(folder):
    os.makedirs(folder, exist_ok=True)
    for ca in ("ca", "upstream-ca"):
        make_key(ca, folder)
        openssl("req", "-x509", "-new", "-key", ca + ".key", "-subj", "/CN=" + ca, "-days", "30", "-out", ca + ".crt",
                folder=folder)
    for name, (ca, subject, usage) in CERTIFICATES.items():
        make_key(name, folder)
        openssl("req", "-new", "-key", name + ".key", "-subj", subject, "-out", name + ".csr", folder=folder)
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".ext") as extensions:
            extensions.write(f"extendedKeyUsage={usage}\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
            extensions.flush()
            openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial",
                    "-days", "30", "-extfile", extensions.name, "-out", name + ".crt", folder=folder)
