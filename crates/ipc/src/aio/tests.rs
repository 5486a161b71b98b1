use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::client::{CallError, Client, Deadline, Step};
use crate::frame::{self, FrameError};
use crate::{FaultCode, Hello, Outcome, PROTO, Request, Response, Role};

type Radius = AsyncClient<String, String>;

#[expect(clippy::disallowed_methods, reason = "a test that hangs must fail instead")]
async fn bounded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("in time")
}

/// A client whose server answers with `handle`, and the server's task.
async fn pair<H, F>(in_flight: usize, handle: H) -> (Radius, tokio::task::JoinHandle<Result<(), ServeError>>)
where
    H: Fn(String) -> F + Send + 'static,
    F: Future<Output = Outcome<String>> + Send + 'static,
{
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = tokio::spawn(async move {
        let connection = Connection::accept(theirs, Role::Radius, pending()).await?;
        connection.serve(in_flight, pending(), handle).await
    });
    let client = bounded(Radius::over(ours, Role::Radius, pending()))
        .await
        .unwrap();
    (client, server)
}

async fn echo(op: String) -> Outcome<String> {
    Outcome::Ok(op)
}

async fn raw_frame(stream: &mut UnixStream) -> Vec<u8> {
    let length = bounded(stream.read_u32()).await.unwrap();
    let mut json = vec![0; length.try_into().unwrap()];
    bounded(stream.read_exact(&mut json)).await.unwrap();
    json
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_share_a_connection() {
    let (client, server) = pair(64, echo).await;
    assert_eq!(client.server(), &Hello::of(Role::Radius));
    assert_eq!(client.peer().pid, std::process::id().cast_signed());
    let calls: Vec<_> = (0..20_000)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { (i, client.call(format!("op {i}")).await) })
        })
        .collect();
    for call in calls {
        let (i, reply) = bounded(call).await.unwrap();
        assert_eq!(reply, Ok(format!("op {i}")));
    }
    drop(client);
    bounded(server).await.unwrap().unwrap();
}

#[tokio::test]
async fn answers_come_in_any_order() {
    let release = Arc::new(Notify::new());
    let first = Arc::clone(&release);
    let (client, _server) = pair(8, move |op| {
        let first = Arc::clone(&first);
        async move {
            if op == "slow" {
                first.notified().await;
            }
            Outcome::Ok(op)
        }
    })
    .await;
    let slow = tokio::spawn({
        let client = client.clone();
        async move { client.call("slow".to_owned()).await }
    });
    assert_eq!(
        bounded(client.call("quick".to_owned())).await,
        Ok("quick".to_owned())
    );
    assert!(!slow.is_finished());
    release.notify_one();
    assert_eq!(bounded(slow).await.unwrap(), Ok("slow".to_owned()));
}

#[tokio::test]
async fn requests_in_flight_are_bounded() {
    let gate = Arc::new(Semaphore::new(0));
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (client, _server) = {
        let (gate, running, most) = (Arc::clone(&gate), Arc::clone(&running), Arc::clone(&most));
        pair(3, move |op| {
            let (gate, running, most) = (Arc::clone(&gate), Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
                Outcome::Ok(op)
            }
        })
        .await
    };
    let calls: Vec<_> = (0..20)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { client.call(format!("{i}")).await })
        })
        .collect();
    bounded(async {
        while running.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gate.add_permits(20);
    let mut seen = BTreeSet::new();
    for call in calls {
        seen.insert(bounded(call).await.unwrap().unwrap());
    }
    assert_eq!(seen.len(), 20);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_lost_connection_fails_all_calls_at_once_and_later_ones_too() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let connecting = tokio::spawn(Radius::over(ours, Role::Radius, pending()));
    raw_frame(&mut theirs).await;
    theirs
        .write_all(&frame::encode(&Hello::of(Role::Radius)).unwrap())
        .await
        .unwrap();
    let client = bounded(connecting).await.unwrap().unwrap();
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call("op".to_owned()).await })
        })
        .collect();
    for _ in 0..10 {
        raw_frame(&mut theirs).await;
    }
    drop(theirs);
    for call in calls {
        let error = bounded(call).await.unwrap().unwrap_err();
        assert_eq!(error, CallError::Closed(Step::Request));
    }
    assert!(client.is_closed());
    let error = bounded(client.call("op".to_owned())).await.unwrap_err();
    assert_eq!(error, CallError::Closed(Step::Hello));
    assert!(error.nothing_asked());
}

#[tokio::test]
async fn a_call_that_is_given_up_does_not_disturb_the_others() {
    let gate = Arc::new(Notify::new());
    let held = Arc::clone(&gate);
    let (client, _server) = pair(8, move |op| {
        let held = Arc::clone(&held);
        async move {
            if op == "held" {
                held.notified().await;
            }
            Outcome::Ok(op)
        }
    })
    .await;
    {
        let call = client.call("held".to_owned());
        tokio::pin!(call);
        tokio::select! {
            biased;
            reply = &mut call => panic!("{reply:?}"),
            reply = client.call("other".to_owned()) => assert_eq!(reply, Ok("other".to_owned())),
        }
    }
    gate.notify_one();
    assert_eq!(
        bounded(client.call("next".to_owned())).await,
        Ok("next".to_owned())
    );
    assert!(!client.is_closed());
}

#[tokio::test]
async fn a_handler_that_panics_answers_an_internal_fault() {
    let (client, _server) = pair(1, |op: String| async move {
        assert!(op != "boom", "as asked");
        Outcome::Ok(op)
    })
    .await;
    let Err(CallError::Fault(fault)) = bounded(client.call("boom".to_owned())).await else {
        panic!("no fault")
    };
    assert_eq!(fault.code, FaultCode::Internal);
    assert_eq!(
        bounded(client.call("fine".to_owned())).await,
        Ok("fine".to_owned())
    );
}

#[tokio::test]
async fn an_answer_too_long_for_a_frame_is_an_internal_fault() {
    let (client, _server) = pair(1, |_| async { Outcome::Ok("x".repeat(70_000)) }).await;
    let Err(CallError::Fault(fault)) = bounded(client.call("op".to_owned())).await else {
        panic!("no fault")
    };
    assert_eq!(fault.code, FaultCode::Internal);
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let stop = Arc::new(Notify::new());
    let started = Arc::new(Notify::new());
    let finish = Arc::new(Notify::new());
    let server = tokio::spawn({
        let (stop, started, finish) = (Arc::clone(&stop), Arc::clone(&started), Arc::clone(&finish));
        async move {
            let connection = Connection::accept(theirs, Role::Radius, pending()).await?;
            connection
                .serve(8, stop.notified(), move |op: String| {
                    let (started, finish) = (Arc::clone(&started), Arc::clone(&finish));
                    async move {
                        started.notify_one();
                        finish.notified().await;
                        Outcome::Ok(op)
                    }
                })
                .await
        }
    });
    let client = bounded(Radius::over(ours, Role::Radius, pending()))
        .await
        .unwrap();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call("op".to_owned()).await }
    });
    bounded(started.notified()).await;
    stop.notify_one();
    finish.notify_one();
    assert_eq!(bounded(call).await.unwrap(), Ok("op".to_owned()));
    bounded(server).await.unwrap().unwrap();
    assert!(bounded(client.call("late".to_owned())).await.is_err());
}

/// Sends `octets` to a server and returns its error and what it answered.
async fn feed(octets: &[u8]) -> (Result<(), ServeError>, Vec<u8>) {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let server = tokio::spawn(async move {
        let connection = Connection::accept(theirs, Role::Radius, pending()).await?;
        connection.serve(8, pending(), echo).await
    });
    ours.write_all(octets).await.unwrap();
    ours.shutdown().await.unwrap();
    let mut answer = Vec::new();
    bounded(ours.read_to_end(&mut answer)).await.unwrap();
    (bounded(server).await.unwrap(), answer)
}

fn framed(json: &str) -> Vec<u8> {
    let mut octets = u32::try_from(json.len()).unwrap().to_be_bytes().to_vec();
    octets.extend_from_slice(json.as_bytes());
    octets
}

fn hello_octets() -> Vec<u8> {
    frame::encode(&Hello::of(Role::Radius)).unwrap().to_vec()
}

/// The JSON texts in `octets`.
fn unframed(mut octets: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some((header, rest)) = octets.split_first_chunk::<4>() {
        let (json, rest) = rest.split_at(frame::decode_header(*header).unwrap());
        texts.push(String::from_utf8(json.to_vec()).unwrap());
        octets = rest;
    }
    texts
}

#[tokio::test]
async fn the_server_refuses_garbage_with_a_reason() {
    for header in [[0; 4], [0, 1, 0, 1], [255; 4]] {
        let (ended, answer) = feed(&header).await;
        assert!(matches!(
            ended,
            Err(ServeError::Frame(FrameError::Empty | FrameError::TooLong))
        ));
        let told: Response<()> = serde_json::from_str(&unframed(&answer)[0]).unwrap();
        let Outcome::Err(fault) = told.outcome else {
            panic!("ok")
        };
        assert_eq!((told.id, fault.code), (0, FaultCode::Malformed));
    }
    let (ended, answer) = feed(&[hello_octets(), framed("nonsense")].concat()).await;
    assert!(matches!(ended, Err(ServeError::Frame(FrameError::Syntax { .. }))));
    assert_eq!(unframed(&answer).len(), 2);
    let (ended, answer) = feed(&[hello_octets(), vec![255; 4]].concat()).await;
    assert!(matches!(ended, Err(ServeError::Frame(FrameError::TooLong))));
    assert!(unframed(&answer)[1].contains("malformed"));
}

#[tokio::test]
async fn an_unknown_request_costs_only_itself() {
    let octets = [
        hello_octets(),
        framed(r#"{"id":5,"op":{"op":"dance"}}"#),
        framed(r#"{"id":6,"op":"known"}"#),
    ];
    let (ended, answer) = feed(&octets.concat()).await;
    ended.unwrap();
    let texts = unframed(&answer);
    assert!(
        texts[1].starts_with(r#"{"id":5,"err":{"code":"malformed""#),
        "{texts:?}"
    );
    assert_eq!(texts[2], r#"{"id":6,"ok":"known"}"#);
}

#[tokio::test]
async fn truncated_frames_end_the_connection() {
    let (ended, _) = feed(&[0, 0]).await;
    assert!(matches!(ended, Err(ServeError::Closed)));
    let request = frame::encode(&Request { id: 1, op: "op" }).unwrap();
    let (ended, answer) = feed(&[&hello_octets()[..], &request[..request.len() - 1]].concat()).await;
    ended.unwrap();
    assert_eq!(unframed(&answer).len(), 1, "only the hello");
}

#[tokio::test]
async fn frames_may_come_octet_by_octet_and_up_to_the_limit() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let server = tokio::spawn(async move {
        let connection = Connection::accept(theirs, Role::Radius, pending()).await?;
        connection
            .serve(8, pending(), |op: String| async move { Outcome::Ok(op.len()) })
            .await
    });
    for octet in [hello_octets(), framed(r#"{"id":1,"op":"abc"}"#)].concat() {
        ours.write_all(&[octet]).await.unwrap();
    }
    raw_frame(&mut ours).await;
    assert_eq!(raw_frame(&mut ours).await, br#"{"id":1,"ok":3}"#);
    let around = r#"{"id":2,"op":""}"#.len();
    let text = "x".repeat(frame::MAX_FRAME - around);
    ours.write_all(&framed(&format!(r#"{{"id":2,"op":"{text}"}}"#)))
        .await
        .unwrap();
    assert_eq!(
        raw_frame(&mut ours).await,
        format!(r#"{{"id":2,"ok":{}}}"#, text.len()).into_bytes()
    );
    drop(ours);
    bounded(server).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_hello_that_does_not_fit_is_refused_on_both_sides() {
    let strange = Hello {
        proto: PROTO + 1,
        role: Role::Radius,
        version: "9\n9".to_owned(),
    };
    let (ended, answer) = feed(&frame::encode(&strange).unwrap()).await;
    assert!(
        matches!(ended, Err(ServeError::Protocol { theirs, version }) if theirs == PROTO + 1 && version == "99")
    );
    assert_eq!(
        unframed(&answer),
        [serde_json::to_string(&Hello::of(Role::Radius)).unwrap()]
    );
    let (ended, _) = feed(&frame::encode(&Hello::of(Role::Admin)).unwrap()).await;
    assert!(matches!(ended, Err(ServeError::Role { theirs: Role::Admin })));

    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = tokio::spawn(Connection::accept(theirs, Role::Portal, pending()));
    let error = bounded(Radius::over(ours, Role::Radius, pending()))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        CallError::Role {
            ours: Role::Radius,
            theirs: Role::Portal
        }
    );
    assert!(matches!(
        bounded(server).await.unwrap(),
        Err(ServeError::Role { .. })
    ));
}

#[tokio::test]
async fn hellos_wait_no_longer_than_the_caller_says() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let late = Connection::accept(theirs, Role::Radius, std::future::ready(())).await;
    assert!(matches!(late, Err(ServeError::TimedOut)));
    drop(ours);
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let late = Radius::over(ours, Role::Radius, std::future::ready(())).await;
    assert_eq!(late.unwrap_err(), CallError::TimedOut(Step::Hello));
}

#[tokio::test]
async fn a_refused_peer_learns_why_even_while_it_is_sending() {
    let (ours, theirs) = StdStream::pair().unwrap();
    let fault = crate::Fault {
        code: FaultCode::Busy,
        message: "too many connections".to_owned(),
        retry_after: Some(1),
        reference: "b1".to_owned(),
    };
    theirs.set_nonblocking(true).unwrap();
    Connection::refuse(UnixStream::from_std(theirs).unwrap(), fault.clone()).await;
    let blocking = tokio::task::spawn_blocking(move || {
        let deadline = Deadline::after(Duration::from_secs(20));
        let mut client: Client<String, String> = Client::over(ours.into(), Role::Pam, deadline).unwrap();
        client.call("op".to_owned())
    });
    assert_eq!(bounded(blocking).await.unwrap(), Err(CallError::Fault(fault)));
}

#[tokio::test]
async fn the_blocking_client_and_the_async_server_agree() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = tokio::spawn(async move {
        let connection = Connection::accept(theirs, Role::Pam, pending()).await?;
        assert_eq!(connection.peer().pid, std::process::id().cast_signed());
        assert_eq!(connection.client(), &Hello::of(Role::Pam));
        connection.serve(1, pending(), echo).await
    });
    let ours = ours.into_std().unwrap();
    let blocking = tokio::task::spawn_blocking(move || {
        let deadline = Deadline::after(Duration::from_secs(20));
        let mut client: Client<String, String> = Client::over(ours.into(), Role::Pam, deadline).unwrap();
        (client.call("one".to_owned()), client.call("two".to_owned()))
    });
    assert_eq!(
        bounded(blocking).await.unwrap(),
        (Ok("one".to_owned()), Ok("two".to_owned()))
    );
    bounded(server).await.unwrap().unwrap();
}
