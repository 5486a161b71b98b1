//! Blocks of lines: what begins and ends them.

use super::{Fault, VendorId};

/// Which keywords make a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Vendor,
    Tlv,
    Protocol,
    /// Newer formats: the inside of any attribute.
    Plain,
}

impl Block {
    /// The block that a keyword begins (`true`) or ends.
    pub(super) fn of(keyword: &str) -> Option<(Self, bool)> {
        Some(match keyword {
            "BEGIN-VENDOR" => (Self::Vendor, true),
            "BEGIN-TLV" => (Self::Tlv, true),
            "BEGIN-PROTOCOL" => (Self::Protocol, true),
            "BEGIN" => (Self::Plain, true),
            "END-VENDOR" => (Self::Vendor, false),
            "END-TLV" => (Self::Tlv, false),
            "END-PROTOCOL" => (Self::Protocol, false),
            "END" => (Self::Plain, false),
            _ => return None,
        })
    }

    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Vendor => "BEGIN-VENDOR",
            Self::Tlv => "BEGIN-TLV",
            Self::Protocol => "BEGIN-PROTOCOL",
            Self::Plain => "BEGIN",
        }
    }
}

/// An open block.
pub(super) struct Scope {
    pub(super) block: Block,
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) vendor: Option<VendorId>,
    /// Everything in it is left out.
    pub(super) left_out: bool,
}

/// Closes the block that is open.
pub(super) fn end(block: Block, keyword: &str, words: &[&str], scopes: &mut Vec<Scope>) -> Result<(), Fault> {
    let name = words.first().copied();
    let Some(scope) = scopes.pop() else {
        return Err(Fault::NotBegun {
            keyword: keyword.to_owned(),
            name: name.unwrap_or_default().to_owned(),
            begin: block.begin().to_owned(),
        });
    };
    if scope.block != block || name.is_some_and(|name| !name.eq_ignore_ascii_case(&scope.name)) {
        return Err(Fault::Crossed {
            found: [keyword, name.unwrap_or_default()].join(" "),
            open: format!("{} {}", scope.block.begin(), scope.name),
            line: scope.line,
        });
    }
    Ok(())
}
