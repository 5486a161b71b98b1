use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::*;
use crate::client::{Client, Deadline};
use crate::{FaultCode, Hello, Role};

type Radius = Polled<String, String>;

/// A connection and the daemon's end of it, after Hellos and one call.
fn pair() -> (Radius, UnixStream) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let server = std::thread::spawn(move || {
        assert!(read(&mut theirs).contains("radius"));
        assert_eq!(read(&mut theirs), r#"{"id":1,"op":"first"}"#);
        theirs
            .write_all(&frame::encode(&Hello::of(Role::Radius)).unwrap())
            .unwrap();
        write(&mut theirs, r#"{"id":1,"ok":"there"}"#);
        theirs
    });
    let deadline = Deadline::after(Duration::from_secs(20));
    let mut client = Client::over(ours.into(), Role::Radius, deadline).unwrap();
    assert_eq!(client.call("first".to_owned()), Ok("there".to_owned()));
    (client.into_polled(), server.join().unwrap())
}

fn read(stream: &mut UnixStream) -> String {
    let mut header = [0; 4];
    stream.read_exact(&mut header).unwrap();
    let mut json = vec![0; frame::decode_header(header).unwrap()];
    stream.read_exact(&mut json).unwrap();
    String::from_utf8(json).unwrap()
}

fn write(stream: &mut UnixStream, json: &str) {
    stream
        .write_all(&u32::try_from(json.len()).unwrap().to_be_bytes())
        .unwrap();
    stream.write_all(json.as_bytes()).unwrap();
}

fn wait(polled: &Radius, events: PollFlags) {
    let ready = poll(
        &mut [PollFd::new(polled.as_fd(), events)],
        PollTimeout::from(20_000_u16),
    );
    assert_eq!(ready, Ok(1));
}

#[test]
fn requests_are_gathered_and_answers_come_in_any_order() {
    let (mut polled, mut daemon) = pair();
    let ids: Vec<u64> = ["a", "b", "c"]
        .iter()
        .map(|op| polled.submit(&(*op).to_owned()).unwrap())
        .collect();
    assert_eq!(ids, [2, 3, 4]);
    assert!(polled.is_waiting_to_write());
    // Nothing is here, and nobody waits for it.
    polled.receive(|id, _| panic!("{id}")).unwrap();
    polled.flush().unwrap();
    assert!(!polled.is_waiting_to_write());
    for id in ids {
        assert!(read(&mut daemon).starts_with(&format!(r#"{{"id":{id},"#)));
    }
    write(&mut daemon, r#"{"id":4,"ok":"C"}"#);
    write(
        &mut daemon,
        r#"{"id":2,"err":{"code":"unavailable","message":"m","ref":"r"}}"#,
    );
    let mut seen = Vec::new();
    while seen.len() < 2 {
        wait(&polled, PollFlags::POLLIN);
        polled
            .receive(|id, answer| seen.push((id, answer.map_err(|fault| fault.code))))
            .unwrap();
    }
    assert_eq!(seen, [(4, Ok("C".to_owned())), (2, Err(FaultCode::Unavailable))]);
}

#[test]
fn a_daemon_that_reads_slowly_stops_nobody_and_loses_nothing() {
    let (mut polled, mut daemon) = pair();
    let op = "x".repeat(60_000);
    let mut asked = 0;
    while !polled.is_waiting_to_write() || asked < 20 {
        polled.submit(&op).unwrap();
        polled.flush().unwrap();
        asked += 1;
        assert!(asked < 10_000, "the socket takes everything");
    }
    let reader = std::thread::spawn(move || {
        (0..asked).for_each(|_| assert!(read(&mut daemon).len() > 60_000));
        daemon
    });
    while polled.is_waiting_to_write() {
        wait(&polled, PollFlags::POLLOUT);
        polled.flush().unwrap();
    }
    reader.join().unwrap();
}

#[test]
fn a_request_too_long_for_a_frame_costs_only_itself() {
    let (mut polled, mut daemon) = pair();
    assert_eq!(polled.submit(&"x".repeat(70_000)), Err(FrameError::TooLong));
    assert_eq!(polled.submit(&"fine".to_owned()), Ok(2));
    polled.flush().unwrap();
    assert_eq!(read(&mut daemon), r#"{"id":2,"op":"fine"}"#);
}

#[test]
fn the_end_of_the_connection_and_nonsense_are_errors() {
    let (mut polled, daemon) = pair();
    drop(daemon);
    wait(&polled, PollFlags::POLLIN);
    let closed = Err(CallError::Closed(Step::Request));
    assert_eq!(polled.receive(|_, _| {}), closed);
    polled.submit(&"op".to_owned()).unwrap();
    assert_eq!(polled.flush(), closed);

    for (octets, fault) in [
        (&b"\xff\xff\xff\xff"[..], false),
        (b"\0\0\0\0", false),
        (b"\0\0\0\x03{x}", false),
        (br#"{"id":0,"err":{"code":"busy","message":"m","ref":"r"}}"#, true),
    ] {
        let (mut polled, mut daemon) = pair();
        if fault {
            write(&mut daemon, str::from_utf8(octets).unwrap());
        } else {
            daemon.write_all(octets).unwrap();
        }
        wait(&polled, PollFlags::POLLIN);
        let ended = polled.receive(|id, _| panic!("{id}")).unwrap_err();
        assert_eq!(matches!(ended, CallError::Fault(_)), fault, "{ended:?}");
    }
}
