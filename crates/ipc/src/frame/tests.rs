use serde::{Deserialize, Serialize};

use super::*;
use crate::Request;
use crate::pam::PamOp;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Text {
    t: String,
}

fn text(len: usize) -> Text {
    Text { t: "x".repeat(len) }
}

/// JSON octets around the text of a [`Text`].
const AROUND: usize = r#"{"t":""}"#.len();

#[test]
fn a_frame_is_a_big_endian_length_and_json() {
    let frame = encode(&text(3)).unwrap();
    assert_eq!(frame.as_slice(), b"\0\0\0\x0b{\"t\":\"xxx\"}");
    assert_eq!(decode_header([0, 0, 0, 11]), Ok(11));
    assert_eq!(decode::<Text>(&frame[4..]), Ok(text(3)));
}

#[test]
fn the_longest_frame_passes_and_one_octet_more_does_not() {
    let frame = encode(&text(MAX_FRAME - AROUND)).unwrap();
    assert_eq!(frame.len(), HEADER + MAX_FRAME);
    assert_eq!(decode_header(frame[..4].try_into().unwrap()), Ok(MAX_FRAME));
    assert_eq!(decode::<Text>(&frame[4..]).unwrap().t.len(), MAX_FRAME - AROUND);
    assert_eq!(encode(&text(MAX_FRAME - AROUND + 1)), Err(FrameError::TooLong));
}

#[test]
fn lengths_zero_too_long_and_largest_are_refused() {
    assert_eq!(decode_header([0; 4]), Err(FrameError::Empty));
    assert_eq!(decode_header([0, 1, 0, 0]), Ok(MAX_FRAME));
    assert_eq!(decode_header([0, 1, 0, 1]), Err(FrameError::TooLong));
    assert_eq!(decode_header([0xff; 4]), Err(FrameError::TooLong));
}

#[test]
fn trailing_octets_other_shapes_and_broken_json_are_told_apart() {
    assert_eq!(
        decode::<Text>(b"{\"t\":\"\"}{"),
        Err(FrameError::Syntax { column: 9 })
    );
    assert_eq!(decode::<Text>(b"{\"t\":"), Err(FrameError::Syntax { column: 5 }));
    assert!(matches!(
        decode::<Text>(b"{\"t\":7}"),
        Err(FrameError::Unknown { .. })
    ));
    assert!(matches!(
        decode::<Text>(b"\xff\xff"),
        Err(FrameError::Syntax { .. })
    ));
    assert_eq!(decode::<Text>(b""), Err(FrameError::Empty));
    let deep = "[".repeat(MAX_FRAME);
    assert!(matches!(
        decode::<serde_json::Value>(deep.as_bytes()),
        Err(FrameError::Syntax { .. })
    ));
}

#[test]
fn an_error_never_quotes_the_message() {
    let json = br#"{"id":"481516","op":{"op":"answer","session":"s","answer":"481516"}}"#;
    let error = decode::<Request<PamOp>>(json).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("481516"));
}

#[test]
fn a_failed_message_leaves_the_buffer_as_it_was() {
    let mut buf = WipedBuf::default();
    encode_into(&mut buf, &text(1)).unwrap();
    let before = buf.as_slice().to_vec();
    assert_eq!(encode_into(&mut buf, &text(MAX_FRAME)), Err(FrameError::TooLong));
    assert_eq!(buf.as_slice(), before);
    encode_into(&mut buf, &text(2)).unwrap();
    assert_eq!(buf.len(), before.len() + HEADER + AROUND + 2);
}

#[test]
fn an_inbox_gives_each_frame_once_however_the_octets_come() {
    let texts = ["a".to_owned(), "b".repeat(70), "c".repeat(5000), "d".to_owned()];
    let mut stream = Vec::new();
    for text in &texts {
        stream.extend_from_slice(&encode(text).unwrap());
    }
    for size in [1, 3, 4, 5, 7, 64, 100, 4096, stream.len()] {
        let mut inbox = Inbox::with_capacity(64);
        let mut got = Vec::new();
        for mut piece in stream.chunks(size) {
            while !piece.is_empty() {
                let room = inbox.room().unwrap();
                let now = room.len().min(piece.len());
                assert!(now > 0, "no room for a piece of {size}");
                room[..now].copy_from_slice(&piece[..now]);
                piece = &piece[now..];
                inbox.took(now);
                while let Some(text) = inbox.next(decode::<String>).unwrap() {
                    got.push(text.unwrap());
                }
            }
        }
        assert_eq!(got, texts, "in pieces of {size}");
        assert!(
            inbox
                .buf
                .iter()
                .all(|octet| *octet == 0 || !b"abcd".contains(octet))
        );
    }
}

#[test]
fn an_inbox_refuses_a_length_before_it_makes_room() {
    for (length, error) in [(0, FrameError::Empty), (MAX_FRAME + 1, FrameError::TooLong)] {
        let mut inbox = Inbox::with_capacity(8);
        inbox.room().unwrap()[..HEADER].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
        inbox.took(HEADER);
        assert_eq!(inbox.next(decode::<String>), Err(error));
        assert_eq!(inbox.room().unwrap_err(), error);
        assert_eq!(inbox.buf.len(), 8);
    }
}
