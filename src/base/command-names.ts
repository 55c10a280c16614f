// Names that a person would type at a shell: its own words, BusyBox's applets, and what other systems usually have.
// Only used to tell commands from talk and rubbish; whether a name exists is for the world to say.

const names = `
! . 7z : [ [[ acpid adduser adjtimex alias apk apropos apt apt-get ar arch arp arping ascii ash awk
base32 base64 basename bash bat bc bg blkdiscard blockdev brctl break bunzip2 busybox bzcat bzip2 cal
case cat cc cd chattr chdir chgrp chmod chown chroot chvt cksum clear cmake cmp code column comm command
continue cp cpio crc32 crond crontab csh csplit cttyhack curl cut dash date dc dd deallocvt declare
deluser depmod devmem df diff dir dircolors dirname dmesg dnf dnsdomainname docker dos2unix dpkg dpkg-deb
du dumpkmap dumpleases echo ed egrep emacs env eval exa exec exit expand export expr factor fallocate
false fatattr fd fdisk fg fgrep file find findfs fmt fold for free freeramdisk fsfreeze fstrim ftpget
ftpput gawk gcc getent getopt getopts getty ggrep git go gpg grep groups gunzip gzip halt hash head help
hexdump history hostid hostname htop httpd hwclock i2cdetect i2cdump i2cget i2cset i2ctransfer iconv id
if ifconfig ifdown ifup info init insmod install ionice ip ipcalc ipneigh java jobs join journalctl jq
kill killall klogd ksh last ld less let link linux32 linux64 linuxrc ln loadfont loadkmap local locate
logger login logname logout logread losetup ls lsattr lsmod lsof lsscsi lzcat lzma lzop make man mawk
md5sum mdev microcom mim mkdir mkdosfs mke2fs mkfifo mknod mkpasswd mkswap mktemp modinfo modprobe more
mount mt mv mysql nameif nano nc netstat nl nmap node nologin npm nproc nsenter nslookup nuke numfmt od
open openssl openvt panic partprobe passwd paste patch pathchk perl pgrep php pico pidof ping ping6 pip
pip3 pivot_root pkill poweroff pr printenv printf ps psql ptx pwd python python3 rdate read readlink
readonly realpath reboot renice reset resume return rev rg rm rmdir rmmod route rpm rpm2cpio rsync ruby
run-init run-parts runcon scp screen sed seq service set setkeycodes setpriv setsid sftp sh sha1sum
sha224sum sha256sum sha384sum sha3sum sha512sum shift shred shuf sleep sort source split sqlite3 ssh
ssl_client start-stop-daemon stat stdbuf strings stty su sudo sulogin sum svc svok swapoff swapon
switch_root sync sysctl syslogd systemctl tac tail tar taskset tc tee telnet telnetd test tftp time
timeout times tmux top touch tput tr traceroute traceroute6 trap tree true truncate ts tset tsort tty
tunctl type typeset ubirename udhcpc udhcpd uevent ulimit umask umount unalias uname uncompress unexpand
uniq unix2dos unlink unlzma unset unshare until unxz unzip uptime useradd usermod users usleep uudecode
uuencode vconfig vdir vi vim visudo w wait watch watchdog wc wget whatis whereis which while who whoami
xargs xxd xz xzcat yes yum zcat zip zsh { }
`;

/** Every such name. */
export const commandNames: ReadonlySet<string> = new Set(names.trim().split(/\s+/));
