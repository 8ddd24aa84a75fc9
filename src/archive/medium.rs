//! On what kind of file system an archive would lie. One that other computers write too is refused: SQLite's
//! write-ahead log is shared memory between the processes of one computer, and locks over a network do not hold.

use std::path::Path;

use super::error::{ArchiveError, Result};

/// Refuses a folder (there or to be made) on a network file system. What the system does not tell is let through.
pub(super) fn refuse_network(folder: &Path) -> Result<()> {
    match network(folder) {
        Some(kind) => Err(ArchiveError::NetworkFolder { folder: folder.to_owned(), kind }),
        None => Ok(()),
    }
}

/// The name of the network file system that `folder` lies on, if it does.
#[cfg(target_os = "linux")]
fn network(folder: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let there = folder.ancestors().find(|ancestor| ancestor.exists())?;
    let magic = u32::try_from(rustix::fs::statfs(there).ok()?.f_type & 0xFFFF_FFFF).ok()?;
    if magic != FUSE {
        return MAGIC.iter().find(|(known, _)| *known == magic).map(|(_, name)| (*name).to_owned());
    }
    let device = there.metadata().ok()?.dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    over_network(&mounts, rustix::fs::major(device), rustix::fs::minor(device))
}

#[cfg(not(target_os = "linux"))]
fn network(_folder: &Path) -> Option<String> {
    None
}

/// Of `statfs(2)`: what every file system in user space has.
#[cfg(target_os = "linux")]
const FUSE: u32 = 0x6573_5546;

#[cfg(target_os = "linux")]
const MAGIC: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0xFF53_4D42, "SMB"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
];

/// File systems in user space whose files are on another computer. Others are on this one: NTFS, exFAT, encryption.
#[cfg(any(target_os = "linux", test))]
const REMOTE: &[&str] = &[
    "sshfs",
    "rclone",
    "s3fs",
    "goofys",
    "curlftpfs",
    "davfs",
    "davfs2",
    "gvfsd-fuse",
    "kio-fuse",
    "smbnetfs",
    "glusterfs",
    "ceph-fuse",
    "google-drive-ocamlfuse",
    "onedriver",
    "jmtpfs",
    "simple-mtpfs",
    "mtpfs",
];

/// What `/proc/self/mountinfo` calls the file system of this device, if it is one over the network.
#[cfg(any(target_os = "linux", test))]
fn over_network(mounts: &str, major: u32, minor: u32) -> Option<String> {
    let device = format!("{major}:{minor}");
    mounts.lines().find_map(|line| {
        let (place, medium) = line.split_once(" - ")?;
        if place.split(' ').nth(2)? != device {
            return None;
        }
        let mut medium = medium.split(' ');
        let (kind, source) = (medium.next()?, medium.next().unwrap_or_default());
        let name = kind.strip_prefix("fuse.").unwrap_or(if source.contains("://") { "davfs" } else { source });
        REMOTE
            .iter()
            .find(|remote| name == **remote || name.starts_with(&format!("{remote}#")))
            .map(|name| (*name).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
49 22 0:44 / /home/me/server rw,nosuid,nodev,relatime shared:20 - fuse.sshfs me@host:/ rw,user_id=1000,group_id=1000
50 22 8:17 / /media/stick rw,nosuid,nodev,relatime shared:21 - fuseblk /dev/sdb1 rw,user_id=0,group_id=0
51 22 0:45 / /home/me/vault rw,nosuid,nodev,relatime - fuse.gocryptfs /home/me/.vault rw,user_id=1000
52 22 0:46 / /home/me/cloud rw,nosuid,nodev,relatime - fuse.rclone remote: rw,user_id=1000,group_id=1000
53 22 0:47 / /home/me/dav rw,nosuid shared:22 - fuse https://dav.example.org/ rw,user_id=1000";

    #[test]
    fn what_lies_on_another_computer() {
        for (device, found) in [
            ((254, 0), None),
            ((0, 44), Some("sshfs")),
            ((8, 17), None),
            ((0, 45), None),
            ((0, 46), Some("rclone")),
            ((0, 47), Some("davfs")),
            ((9, 9), None),
        ] {
            assert_eq!(over_network(MOUNTS, device.0, device.1).as_deref(), found, "{device:?}");
        }
    }

    #[test]
    fn the_folders_of_this_test_are_local() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(refuse_network(&folder.path().join("not/there/yet")).is_ok());
    }
}
