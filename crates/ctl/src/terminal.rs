//! Asking a person, without showing what a secret's typing.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::fd::AsFd,
};

use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use otpost_ipc::Secret;
use zeroize::Zeroizing;

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There is no terminal.
    #[error("there is no terminal")]
    Absent,
    /// Ctrl-C, Ctrl-D on an empty line, or the terminal went away.
    #[error("cancelled")]
    Cancelled,
}

/// Somebody who can be asked.
pub trait Terminal {
    /// Shows `prompt` and reads one line; `echo` says whether the typing may be seen.
    ///
    /// # Errors
    /// [`AskError`].
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Secret, AskError>;
}

/// The controlling terminal of the process, whatever its standard streams are.
#[derive(Debug, Default)]
pub struct Tty {
    /// Stands in for /dev/tty in tests.
    device: Option<File>,
}

impl Tty {
    /// A terminal that is open already.
    #[must_use]
    pub const fn over(device: File) -> Self {
        Self { device: Some(device) }
    }

    fn device(&self) -> Result<File, AskError> {
        let device = match &self.device {
            Some(device) => device.try_clone(),
            None => OpenOptions::new().read(true).write(true).open("/dev/tty"),
        };
        device.map_err(|_| AskError::Absent)
    }
}

/// Longest line that is taken; what is typed beyond it is dropped with a bell.
const LIMIT: usize = 1024;

impl Terminal for Tty {
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Secret, AskError> {
        let mut device = self.device()?;
        let quiet = Quiet::new(&device)?;
        let line = device
            .write_all(crate::text::clean(prompt).as_bytes())
            .map_err(|_| AskError::Cancelled)
            .and_then(|()| read_line(&mut device, echo));
        let _ = device.write_all(b"\n");
        drop(quiet);
        line
    }
}

/// A terminal without echo and line editing, restored on drop. Its signal keys are off too: a Ctrl-C that killed the
/// process here would leave the person's shell without echo.
struct Quiet {
    device: File,
    before: Termios,
}

impl Quiet {
    fn new(device: &File) -> Result<Self, AskError> {
        let device = device.try_clone().map_err(|_| AskError::Absent)?;
        let before = tcgetattr(device.as_fd()).map_err(|_| AskError::Absent)?;
        let mut quiet = before.clone();
        quiet
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
        for (index, value) in [
            (SpecialCharacterIndices::VMIN, 1),
            (SpecialCharacterIndices::VTIME, 0),
        ] {
            // POSIX: both indices lie inside the array.
            if let Some(slot) = quiet.control_chars.get_mut(index as usize) {
                *slot = value;
            }
        }
        // Flush: what was typed before the prompt was not meant as the secret.
        tcsetattr(device.as_fd(), SetArg::TCSAFLUSH, &quiet).map_err(|_| AskError::Absent)?;
        Ok(Self { device, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(self.device.as_fd(), SetArg::TCSADRAIN, &self.before);
    }
}

fn read_line(device: &mut File, echo: bool) -> Result<Secret, AskError> {
    // Full capacity at once: growing would leave copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LIMIT));
    let mut octet = Zeroizing::new([0_u8; 1]);
    loop {
        match device.read(&mut *octet) {
            Ok(1) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Ok(_) | Err(_) => return Err(AskError::Cancelled),
        }
        let [typed] = *octet;
        match typed {
            b'\r' | b'\n' => break,
            3 => return Err(AskError::Cancelled),
            4 if line.is_empty() => return Err(AskError::Cancelled),
            4 => break,
            8 | 127 => erase(device, &mut line, echo),
            21 => {
                while !line.is_empty() {
                    erase(device, &mut line, echo);
                }
            }
            0..=31 => {}
            _ if line.len() == LIMIT => {
                let _ = device.write_all(b"\x07");
            }
            _ => {
                line.push(typed);
                if echo {
                    let _ = device.write_all(&*octet);
                }
            }
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| AskError::Cancelled)?;
    Ok(Secret::from(text))
}

/// Takes the last character off, all of its octets.
fn erase(device: &mut File, line: &mut Vec<u8>, echo: bool) {
    while let Some(octet) = line.pop() {
        // 10xxxxxx continues a UTF-8 character.
        if octet & 0xc0 != 0x80 {
            if echo {
                let _ = device.write_all(b"\x08 \x08");
            }
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::pty::{OpenptyResult, openpty};

    use super::*;

    /// Types `keys` once the prompt is shown; what the screen got, and the answer.
    fn type_in(keys: &[u8], echo: bool) -> (String, Result<Secret, AskError>) {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        let slave = File::from(slave);
        let before = tcgetattr(slave.as_fd()).unwrap();
        assert!(before.local_flags.contains(LocalFlags::ECHO));
        let mut keyboard = File::from(master);
        let keys = keys.to_vec();
        let person = std::thread::spawn(move || {
            let mut screen = Vec::new();
            let mut typed = false;
            let mut octet = [0];
            // The line end after the answer is the last thing shown.
            while !(typed && screen.ends_with(b"\n")) {
                keyboard.read_exact(&mut octet).unwrap();
                screen.push(octet[0]);
                if !typed && screen.ends_with(b"word: ") {
                    keyboard.write_all(&keys).unwrap();
                    typed = true;
                }
            }
            // The keyboard goes back too: a terminal without one is gone.
            (String::from_utf8(screen).unwrap(), keyboard)
        });
        let answer = Tty::over(slave.try_clone().unwrap()).ask("Password: ", echo);
        let (screen, _keyboard) = person.join().unwrap();
        let after = tcgetattr(slave.as_fd()).unwrap();
        assert_eq!(after.local_flags, before.local_flags, "the terminal is as before");
        (screen, answer)
    }

    #[test]
    fn a_secret_is_read_and_not_shown() {
        let (screen, answer) = type_in(b"correct horse\r", false);
        assert_eq!(answer.unwrap().expose(), "correct horse");
        assert_eq!(screen, "Password: \r\n");
    }

    #[test]
    fn what_may_be_seen_is_shown() {
        let (screen, answer) = type_in(b"123\x7f456\n", true);
        assert_eq!(answer.unwrap().expose(), "12456");
        assert_eq!(screen, "Password: 123\u{8} \u{8}456\r\n");
    }

    #[test]
    fn editing_keys_edit() {
        let (_, answer) = type_in("wrong\u{15}gr\u{fc}n\u{fc}\u{8}e\x01\r".as_bytes(), false);
        assert_eq!(answer.unwrap().expose(), "grüne");
    }

    #[test]
    fn an_interrupt_cancels_and_restores_the_terminal() {
        assert_eq!(type_in(b"half\x03", false).1, Err(AskError::Cancelled));
        assert_eq!(type_in(b"\x04", false).1, Err(AskError::Cancelled));
        assert_eq!(type_in(b"whole\x04", false).1.unwrap().expose(), "whole");
        assert_eq!(type_in(b"\r", false).1.unwrap().expose(), "");
    }

    #[test]
    fn what_is_no_terminal_cannot_be_asked() {
        let file = File::open("/dev/null").unwrap();
        assert_eq!(Tty::over(file).ask("Password: ", false), Err(AskError::Absent));
    }
}
