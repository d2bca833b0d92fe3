#!/bin/sh
# bubblewrap keeps what a model wrote away from your files and the network. Installed where apt and root (or sudo
# without a question) are at hand; elsewhere this prints the one line that does it, and nothing fails here.
command -v bwrap >/dev/null 2>&1 && exit 0
[ "$(uname -s)" = Linux ] || { echo "No isolation on this system yet: tests run only after your own word."; exit 0; }
if command -v apt-get >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ]; then as=""; elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as="sudo"; else as="none"; fi
  if [ "$as" != none ]; then
    echo "Installing bubblewrap, the isolation for test runs …"
    if { $as apt-get -qq -o DPkg::Lock::Timeout=300 install -y bubblewrap >/dev/null 2>&1 ||
         { $as apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null && $as apt-get -qq -o DPkg::Lock::Timeout=300 install -y bubblewrap >/dev/null; }; }; then
      exit 0
    fi
  fi
  echo "Install the isolation for test runs with: sudo apt-get install bubblewrap"
elif command -v dnf >/dev/null 2>&1; then
  echo "Install the isolation for test runs with: sudo dnf install bubblewrap"
elif command -v pacman >/dev/null 2>&1; then
  echo "Install the isolation for test runs with: sudo pacman -S bubblewrap"
else
  echo "Install bubblewrap, the isolation for test runs, with your package manager."
fi
exit 0
