//! How much memory this process can take, as far as the system says.

use std::fs;

/// Where a limit of a control group is, as seen from inside: version 2, and version 1.
const LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// The bytes that are available on the host, or the limit of the container if that is lower; `None` where the system
/// does not say.
pub(super) fn free_memory() -> Option<u64> {
    let host = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    // What a container has read of a log counts as used too, but goes when memory is needed.
    let limits = LIMITS.iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    host.into_iter().chain(limits).min()
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn available(text: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_memory_is_read_from_the_right_line() {
        let text = "MemTotal:       24683620 kB\nMemFree:         5015300 kB\nMemAvailable:   22345004 kB\n";
        assert_eq!(available(text), Some(22_345_004 * 1024));
        assert_eq!(available("MemFree: 1 kB\n"), None);
        assert_eq!(available("MemAvailable: many kB\n"), None);
    }
}
