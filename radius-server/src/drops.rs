//! How many datagrams the kernel has dropped because a socket's receive buffer was full, from /proc/net/udp and udp6.

use std::{collections::HashSet, fs};

/// The columns that count, by proc(5): inode, and drops, the last one.
const INODE: usize = 9;
const DROPS: usize = 12;

/// Drops of the sockets with these inodes since they were opened.
pub(crate) fn of(inodes: &HashSet<u64>) -> u64 {
    ["/proc/net/udp", "/proc/net/udp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|table| sum(&table, inodes))
        .sum()
}

fn sum(table: &str, inodes: &HashSet<u64>) -> u64 {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split_ascii_whitespace();
            let inode = columns.nth(INODE)?.parse().ok()?;
            let drops: u64 = columns.nth(DROPS - INODE - 1)?.parse().ok()?;
            inodes.contains(&inode).then_some(drops)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    const TABLE: &str = "\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  271: 0100007F:0714 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 12
  272: 0100007F:0715 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 7
  273: broken
";

    #[test]
    fn drops_of_our_sockets_are_added_up() {
        assert_eq!(sum(TABLE, &HashSet::from([4711, 4712])), 19);
        assert_eq!(sum(TABLE, &HashSet::from([4712, 1])), 7);
        assert_eq!(sum("", &HashSet::from([4711])), 0);
    }

    #[test]
    fn a_socket_that_nobody_reads_loses_datagrams_and_that_is_seen() {
        let full = crate::socket::Socket::bind("127.0.0.1:0".parse().unwrap(), &[], 65_536).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let inodes = HashSet::from([full.inode]);
        assert_eq!(of(&inodes), 0);
        for _ in 0..400 {
            sender.send_to(&[0; 4096], full.address).unwrap();
        }
        assert!(of(&inodes) > 100, "{}", of(&inodes));
    }
}
