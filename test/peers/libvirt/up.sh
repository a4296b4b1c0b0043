#!/bin/bash
# up.sh --base DIR [--free-ports] : libvirtd on a unix socket with the drivers qemu (software emulation) and lxc, in mount and
# network namespaces of its own: /etc/libvirt, /var/lib/libvirt, /run/libvirt, bridges and firewall rules vanish with it. A dir
# pool "default", and a guest of 30 MB: $BASE/guest/vmlinuz + initrd.gz (Debian's cloud kernel, busybox). Guests reach this machine
# by a cable between the two network namespaces, at LIBVIRT_HOST_ADDRESS. Run as root.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-libvirt
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; --free-ports) ;; *) die "unknown $1";; esac; shift; done
T0=$(date +%s%N); mkdir -p "$BASE"/{etc,lib,run,guest,log,pool,rootfs}; chmod 755 "$BASE"
cp -rn /etc/libvirt/. "$BASE/etc/" 2>/dev/null; cp -rn /var/lib/libvirt/. "$BASE/lib/" 2>/dev/null
rm -rf "$BASE"/etc/qemu/networks/autostart
cat > "$BASE/etc/libvirtd.conf" <<C
auth_unix_rw = "none"
log_outputs = "3:file:$BASE/log/libvirtd.log"
C
cat > "$BASE/etc/qemu.conf" <<C
stdio_handler = "file"
user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
namespaces = []
seccomp_sandbox = 0
vnc_listen = "127.0.0.1"
C
# libvirt's lxc driver refuses hybrid cgroups: this namespace is without the second hierarchy.
alive libvirtd || daemon libvirtd unshare -m -n sh -c 'mount --make-rprivate / && ip link set lo up && echo 1 > /proc/sys/net/ipv4/ip_forward && { umount /sys/fs/cgroup/unified 2>/dev/null; mkdir -p /run/libvirt; } && mount --bind "$0/run" /run/libvirt &&
  mount --bind "$0/etc" /etc/libvirt && mount --bind "$0/lib" /var/lib/libvirt && exec libvirtd -p "$0/libvirtd.pid"' "$BASE"
URI=qemu+unix:///system?socket=$BASE/run/libvirt-sock
wait_for 60 libvirtd virsh -c "$URI" version || die "libvirtd: $BASE/log/libvirtd.log"
if [ ! -s "$BASE/subnet" ]; then # ends with the namespace that has its other end
  NET=$(free_subnet); CABLE=$(bridge_name lv)
  ip link add "$CABLE" type veth peer name up0 netns "$(cat "$BASE/run/libvirtd.pid")" && ip addr add "$NET.1/24" dev "$CABLE" && ip link set "$CABLE" up &&
    nsenter -t "$(cat "$BASE/run/libvirtd.pid")" -n sh -c "ip addr add $NET.2/24 dev up0 && ip link set up0 up && ip route add default via $NET.1" || die "no cable to the guests' network"
  echo "$NET" > "$BASE/subnet"
fi
virsh -c "$URI" pool-info default >/dev/null 2>&1 || { virsh -c "$URI" pool-define-as default dir --target "$BASE/pool" >&2 && virsh -c "$URI" pool-start default >&2; } || die pool
G=$BASE/guest
if [ ! -s "$G/vmlinuz" ]; then # the package is kept: it is fetched once
  C=${XDG_CACHE_HOME:-$HOME/.cache}/medusa/guest-kernel; mkdir -p "$C"
  p=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends/{print $2; exit}')
  [ -s "$C/$p.vmlinuz" ] || ( cd "$G" && apt-get download "$p" >/dev/null 2>&1 && dpkg -x "$p"_*.deb k && cp k/boot/vmlinuz-* "$C/$p.vmlinuz"; rm -rf k ./*.deb )
  [ -s "$C/$p.vmlinuz" ] || die "no kernel for the guest"
  cp "$C/$p.vmlinuz" "$G/vmlinuz"
fi
if [ ! -s "$G/initrd.gz" ]; then
  mkdir -p "$G/ird"/{bin,proc,sys,dev}; cp /bin/busybox "$G/ird/bin/"
  for a in sh mount echo poweroff sleep cat uname; do ln -sf busybox "$G/ird/bin/$a"; done
  cat > "$G/ird/init" <<'I'
#!/bin/sh
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
echo "GUEST-UP $(uname -r) $(cat /proc/uptime)"
while :; do sleep 5; done
I
  chmod +x "$G/ird/init"; ( cd "$G/ird" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 > ../initrd.gz )
fi
[ -d "$BASE/rootfs/tiny" ] || { tiny_rootfs "$BASE/rootfs/tiny"; rm "$BASE/rootfs/tiny/sbin/init"
  printf '#!/bin/sh\n/sbin/boot\nexec /bin/sleep 100000\n' > "$BASE/rootfs/tiny/sbin/init"; chmod 755 "$BASE/rootfs/tiny/sbin/init"; }
log "libvirt up in $(( ($(date +%s%N)-T0)/1000000 )) ms, $(rss_mb) MB"
echo "export LIBVIRT_URI=$URI LIBVIRT_LXC_URI=lxc+unix:///system?socket=$BASE/run/libvirt-sock LIBVIRT_KERNEL=$G/vmlinuz LIBVIRT_INITRD=$G/initrd.gz LIBVIRT_ROOTFS=$BASE/rootfs/tiny LIBVIRT_HOST_ADDRESS=$(cat "$BASE/subnet").1"
