//! Attribute types that this crate reads or writes, by their names in the RFCs.

/// User-Name (RFC 2865 section 5.1).
pub const USER_NAME: u8 = 1;
/// User-Password, hidden (RFC 2865 section 5.2).
pub const USER_PASSWORD: u8 = 2;
/// CHAP-Password (RFC 2865 section 5.3).
pub const CHAP_PASSWORD: u8 = 3;
/// NAS-IP-Address (RFC 2865 section 5.4).
pub const NAS_IP_ADDRESS: u8 = 4;
/// NAS-Port (RFC 2865 section 5.5).
pub const NAS_PORT: u8 = 5;
/// Reply-Message, text (RFC 2865 section 5.18).
pub const REPLY_MESSAGE: u8 = 18;
/// State (RFC 2865 section 5.24).
pub const STATE: u8 = 24;
/// Vendor-Specific (RFC 2865 section 5.26).
pub const VENDOR_SPECIFIC: u8 = 26;
/// Session-Timeout, seconds (RFC 2865 section 5.27).
pub const SESSION_TIMEOUT: u8 = 27;
/// Calling-Station-Id, text (RFC 2865 section 5.31).
pub const CALLING_STATION_ID: u8 = 31;
/// NAS-Identifier, text (RFC 2865 section 5.32).
pub const NAS_IDENTIFIER: u8 = 32;
/// Proxy-State (RFC 2865 section 5.33).
pub const PROXY_STATE: u8 = 33;
/// Acct-Session-Id, text (RFC 2866 section 5.5).
pub const ACCT_SESSION_ID: u8 = 44;
/// Prompt, 0 = hide what is typed, 1 = show it (RFC 2869 section 5.10).
pub const PROMPT: u8 = 76;
/// EAP-Message (RFC 3579 section 3.1).
pub const EAP_MESSAGE: u8 = 79;
/// Message-Authenticator (RFC 3579 section 3.2).
pub const MESSAGE_AUTHENTICATOR: u8 = 80;
/// NAS-IPv6-Address (RFC 3162 section 2.1).
pub const NAS_IPV6_ADDRESS: u8 = 95;
