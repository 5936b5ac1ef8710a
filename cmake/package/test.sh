#!/bin/bash
# test.sh PACKAGE.deb — installs the package in a fresh Debian 12, uses it there as user
# vitrine, removes and purges it, and shows what stays. `./dev package --test` runs it.
#
# It works in a folder of its own below TMPDIR (/var/tmp), which needs 2 GB. All mounts and
# processes are in namespaces that end with it, so that none is left behind.
set -euo pipefail

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

((EUID == 0)) || die "only root can make the Debian to install in"
command -v debootstrap >/dev/null || die "debootstrap is missing; apt-get install debootstrap"

if [[ ${1:-} != --inside ]]; then
  package=$(realpath -e "$1")
  scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/vitrine-package.XXXXXX")
  trap 'rm -rf --one-file-system "$scratch"' EXIT
  # Not exec: it removes the folder when the namespaces have ended.
  unshare --mount --pid --fork --kill-child "$(realpath "$0")" --inside "$scratch" "$package"
  exit
fi
scratch=$2 debian=$2/debian package=$3

# become USER COMMAND… — in place of this shell.
become() {
  local user=$1
  shift
  printf '\033[2m%s$ %s\033[0m\n' "$user" "$*"
  exec chroot --userspec="$user:$user" "$debian" /usr/bin/env -i LC_ALL=C.UTF-8 HOME=/ \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy="$http_proxy"} "$@"
}
in_debian() { (become "$@"); }
# apt ARGS… — and of its output what tells of the package, or all where it fails.
apt() {
  in_debian root apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >"$scratch/apt.log" 2>&1 ||
    { tail -20 "$scratch/apt.log"; die "apt-get failed"; }
  grep -aE 'root\$|^[A-Z][a-z ]+ vitrine |newly installed|^vitrine: ' "$scratch/apt.log"
}
# gone PATH… and there PATH… hold that it is so.
there() { local path; for path; do [[ -e $debian$path ]] || die "$path is missing"; done; }
gone() { local path; for path; do [[ ! -e $debian$path ]] || die "$path is still there"; done; }

say "A fresh Debian 12, from where this machine's packages come"
# shellcheck disable=SC2016  # the $() is apt-get's
mirror=$(apt-get indextargets --format '$(REPO_URI)' \
  'Created-By: Packages' 'Codename: bookworm' 'Component: main' | head -1)
debootstrap bookworm "$debian" "$mirror" >"$scratch/debootstrap.log" ||
  { tail "$scratch/debootstrap.log"; die "debootstrap failed"; }
mount -t proc proc "$debian/proc"
mount -t sysfs -o ro sysfs "$debian/sys"

say "Install"
cp "$package" "$debian/root/vitrine.deb"
apt update
apt install --no-install-recommends /root/vitrine.deb
in_debian root dpkg --verify vitrine
in_debian root stat -c '%A %U:%G %n' /etc/vitrine /etc/vitrine/indexer.flags /var/lib/vitrine
in_debian root systemd-analyze verify /lib/systemd/system/vitrine-indexer.service \
  /lib/systemd/system/vitrine-server.service

say "Use it as user vitrine"
in_debian vitrine vitrine sample --out=/var/lib/vitrine/photos --products=30
in_debian vitrine vitrine-indexer --flagfile=/etc/vitrine/indexer.flags \
  --catalog=/var/lib/vitrine/photos --status= --once
touch "$scratch/server.log"
become vitrine vitrine-server --flagfile=/etc/vitrine/server.flags \
  --listen=127.0.0.1:0 --status=127.0.0.1:0 >"$scratch/server.log" 2>&1 &
server=$!
for ((i = 0; i < 300; i++)); do
  address=$(sed -n 's/^vitrine-server: listening on //p' "$scratch/server.log")
  [[ -z $address ]] || break
  kill -0 "$server" || { cat "$scratch/server.log"; die "the server ended"; }
  sleep 0.1
done
photo=$(cd "$debian" && find var/lib/vitrine/photos -name '*.jpg' | sort | head -1)
in_debian vitrine vitrine search --server="$address" --image="/$photo" --k=3 | tee "$scratch/answer"
grep -q '100 %' "$scratch/answer" || die "the picture does not find itself"
kill "$server"
wait "$server" || { cat "$scratch/server.log"; die "the server ended with $?"; }
in_debian root runuser -u vitrine -- vitrine receipts --index=/var/lib/vitrine/index --by=folder

say "Install it once more: what was set stays"
echo '--threads=1' >>"$debian/etc/vitrine/server.flags"
apt install --reinstall /root/vitrine.deb
grep -qx -e --threads=1 "$debian/etc/vitrine/server.flags" || die "server.flags was overwritten"

say "Remove"
apt remove vitrine
gone /usr/bin/vitrine /usr/share/vitrine /lib/systemd/system/vitrine-server.service
there /etc/vitrine/server.flags /var/lib/vitrine/index/manifests
say "Purge"
apt purge vitrine
gone /etc/vitrine
there /var/lib/vitrine/index/manifests
say "What stays"
in_debian root find / -xdev -user vitrine -maxdepth 5 -printf '%M %u %p\n'
in_debian root getent passwd vitrine
