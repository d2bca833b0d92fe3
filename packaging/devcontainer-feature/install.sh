#!/bin/sh
# Run as root while the container is built, in this folder. Needs a Debian or Ubuntu with Python 3.11 or newer; `make dist`
# puts the wheel and the list of versions and hashes beside this file.
set -eu
cd "$(dirname "$0")"
wheel=${WHEEL:-}
[ -n "$wheel" ] || wheel=$(ls ./ralphd-*.whl)
python=$(command -v python3 || true)
if [ -z "$python" ] || ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "ralphd needs Python 3.11 or newer with venv. Add the feature for Python to devcontainer.json." >&2
  exit 1
fi
if ! command -v bwrap >/dev/null 2>&1; then
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends bubblewrap
  rm -rf /var/lib/apt/lists/*
fi
"$python" -m venv /opt/ralphd
/opt/ralphd/bin/pip install --no-cache-dir --require-hashes -r ./requirements.txt
/opt/ralphd/bin/pip install --no-cache-dir --no-deps "$wheel"
ln -sf /opt/ralphd/bin/ralphd /usr/local/bin/ralphd
