//! The few lines before TLS (RFC 3207), apart from the SMTP client: nothing that was read before the handshake is looked at after
//! it. A client that keeps one buffer takes lines for the server's that somebody on the way put behind its answer to STARTTLS.

use lettre::transport::smtp::commands::{Ehlo, Starttls};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{MailError, Stage};

/// Longest answer, in octets: RFC 5321 section 4.5.3.1.5 allows 512 for a line, and servers offer some dozen extensions.
const LIMIT: usize = 16 * 1024;

/// Reads the greeting, says hello and asks for TLS. Afterwards the server waits for the handshake.
pub(super) async fn ask<S>(stream: &mut S, hello: &ClientId) -> Result<(), MailError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    expect(stream, Stage::Greeting, 220).await?;
    write(stream, Stage::Hello, &Ehlo::new(hello.clone()).to_string()).await?;
    let offered = expect(stream, Stage::Hello, 250).await?;
    let has = offered.iter().skip(1).any(|line| {
        line.split(' ')
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("STARTTLS"))
    });
    if !has {
        return Err(MailError::NoStartTls);
    }
    write(stream, Stage::StartTls, &Starttls.to_string()).await?;
    expect(stream, Stage::StartTls, 220).await?;
    Ok(())
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, stage: Stage, line: &str) -> Result<(), MailError> {
    let all = stream.write_all(line.as_bytes()).await;
    all.map_err(|error| MailError::lost(stage, &error))
}

/// The lines of an answer with this code.
async fn expect<S: AsyncRead + Unpin>(
    stream: &mut S,
    stage: Stage,
    code: u16,
) -> Result<Vec<String>, MailError> {
    let mut left = LIMIT;
    let mut lines = Vec::new();
    loop {
        let line = line(stream, stage, &mut left).await?;
        let (digits, rest) = line.split_at_checked(3).ok_or(MailError::Garbage(stage))?;
        let said: u16 = digits.parse().map_err(|_| MailError::Garbage(stage))?;
        let more = match rest.as_bytes().first() {
            None | Some(b' ') => false,
            Some(b'-') => true,
            Some(_) => return Err(MailError::Garbage(stage)),
        };
        lines.push(rest.get(1..).unwrap_or_default().to_owned());
        if more {
            continue;
        }
        return match said {
            said if said == code => Ok(lines),
            400..=599 => Err(MailError::answer(stage, said, &lines.join(" "))),
            _ => Err(MailError::Garbage(stage)),
        };
    }
}

/// One line, octet by octet: what follows is not ours to read.
async fn line<S: AsyncRead + Unpin>(
    stream: &mut S,
    stage: Stage,
    left: &mut usize,
) -> Result<String, MailError> {
    let mut line = Vec::new();
    loop {
        let octet = stream
            .read_u8()
            .await
            .map_err(|error| MailError::lost(stage, &error))?;
        *left = left.checked_sub(1).ok_or(MailError::Garbage(stage))?;
        if octet == b'\n' {
            break;
        }
        line.push(octet);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| MailError::Garbage(stage))
}
