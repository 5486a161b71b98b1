//! Which process asks: pid and start time, read from the kernel, so that a pid used again is another process.

use otpost_core::challenge::Process;

/// The process `pid` and its parent.
pub(super) fn of(pid: i32) -> (Option<Process>, Option<Process>) {
    let Some((process, parent)) = read(pid) else {
        return (None, None);
    };
    (Some(process), read(parent).map(|(parent, _)| parent))
}

fn read(pid: i32) -> Option<(Process, i32)> {
    if pid <= 0 {
        return None;
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (parent, start) = parse(&stat)?;
    Some((Process { pid, start }, parent))
}

/// Parent and start time of a line of proc(5)'s `stat`: fields 4 and 22. The name in field 2 may hold anything, so fields are
/// counted from its last bracket.
fn parse(stat: &str) -> Option<(i32, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let start = fields.nth(17)?.parse().ok()?;
    Some((parent, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_fields() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 9 10";
        assert_eq!(parse(stat), Some((7, 123_456)));
        assert_eq!(parse("42 (x"), None);
    }

    #[test]
    fn this_process_is_found_with_its_parent() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let (process, parent) = of(pid);
        assert_eq!(process.unwrap().pid, pid);
        assert!(parent.unwrap().start <= process.unwrap().start);
        assert_eq!(of(0), (None, None));
    }
}
