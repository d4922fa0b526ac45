//! The mount table: what is mounted where, and as what.
//!
//! Process 1's table comes first, where the agent may read it: a service's own namespace shows protected directories as
//! mounts of their own, all read-only. Parsed by hand, as one odd line must not take the others with it.

use super::{Error, Root};

/// One mount.
#[derive(Debug, Clone, PartialEq)]
pub struct Mount {
    /// What tells filesystems apart: the device's numbers, `8:1`, or its name where the table hasn't them.
    pub device_number: String,
    /// Where it is mounted, on the host.
    pub mountpoint: String,
    /// What is mounted: `/dev/sda1`, `server:/export`.
    pub device: String,
    /// Its type: `ext4`.
    pub fstype: String,
    /// Whether it can't be written to: `ro` among the options of the mount or of the filesystem.
    pub read_only: bool,
}

/// Reads one line of a table.
type Parse = fn(&str) -> Option<Mount>;

/// The mounts of the host, in the order in which they were made.
pub fn read(root: &Root) -> Result<Vec<Mount>, Error> {
    // The mount options of the agent's own namespace say what the agent may write, not what the host can.
    let tables: [(&str, Parse); 3] = [
        ("proc/1/mountinfo", |line| parse_mountinfo(line, true)),
        ("proc/self/mountinfo", |line| parse_mountinfo(line, false)),
        ("proc/mounts", parse_mounts),
    ];
    let mut failure = None;
    for (table, parse) in tables {
        match root.read(table) {
            Ok(text) => {
                let mounts: Vec<Mount> = text.lines().filter_map(parse).collect();
                if !mounts.is_empty() {
                    return Ok(mounts);
                }
                failure = failure.or_else(|| Some(Error::malformed(root.path(table), "no mounts")));
            }
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| Error::malformed(root.path("proc/mounts"), "no mounts")))
}

/// proc_pid_mountinfo(5): `36 35 98:0 /root /mountpoint options optional... - type source super-options`. The options of
/// the mount count where they are the host's.
pub fn parse_mountinfo(line: &str, host_options: bool) -> Option<Mount> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(2);
    let device_number = mount.next()?.to_string();
    let mountpoint = decode(mount.nth(1)?);
    let options = mount.next()?;
    let mut filesystem = filesystem.split(' ');
    let fstype = decode(filesystem.next()?);
    let device = decode(filesystem.next()?);
    let super_options = filesystem.next().unwrap_or("");
    let read_only = is_read_only(super_options) || (host_options && is_read_only(options));
    mountpoint.starts_with('/').then_some(Mount { device_number, mountpoint, device, fstype, read_only })
}

/// fstab(5): `device mountpoint type options 0 0`. There is no device number; the device has to do.
fn parse_mounts(line: &str) -> Option<Mount> {
    let mut words = line.split(' ');
    let (device, mountpoint, fstype) = (decode(words.next()?), decode(words.next()?), decode(words.next()?));
    let read_only = is_read_only(words.next()?);
    let device_number = device.clone();
    mountpoint.starts_with('/').then_some(Mount { device_number, mountpoint, device, fstype, read_only })
}

fn is_read_only(options: &str) -> bool {
    options.split(',').any(|option| option == "ro")
}

/// The kernel writes blanks and backslashes as three octal digits: `\040`.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'\\').then(|| after.get(..3).and_then(octal)).flatten();
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn octal(digits: &[u8]) -> Option<u8> {
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    u8::from_str_radix(digits, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_mount_options_do_not_make_the_host_read_only() {
        let read_only = |line, host_options| parse_mountinfo(line, host_options).map(|mount| mount.read_only);
        let mount = "24 22 8:17 / /mnt ro,relatime shared:1 - xfs /dev/sdb1 rw";
        assert_eq!((read_only(mount, true), read_only(mount, false)), (Some(true), Some(false)));
        let filesystem = "24 22 8:17 / /mnt rw - xfs /dev/sdb1 ro,attr2";
        assert_eq!((read_only(filesystem, true), read_only(filesystem, false)), (Some(true), Some(true)));
    }

    #[test]
    fn the_older_table_reads_alike() {
        let mount = parse_mounts("server:/a\\040b /mnt/a\\040b nfs4 ro,hard 0 0").expect("a whole line");
        assert_eq!(
            (mount.device.as_str(), mount.mountpoint.as_str(), mount.read_only),
            ("server:/a b", "/mnt/a b", true)
        );
        assert_eq!(parse_mounts("a b"), None);
    }

    #[test]
    fn odd_lines_are_passed_over() {
        for line in ["", " - ", "1 2 3 - 4 5", "1 1 0:2 / x rw - ext4 /dev/sda1 rw", "1 1 0:2 / / rw ext4 a b"] {
            assert_eq!(parse_mountinfo(line, true), None, "{line:?}");
        }
        assert_eq!(decode("\\04\\999\\134\\"), "\\04\\999\\\\");
    }
}
