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
/// Service-Type (RFC 2865 section 5.6).
pub const SERVICE_TYPE: u8 = 6;
/// Framed-IP-Address (RFC 2865 section 5.8).
pub const FRAMED_IP_ADDRESS: u8 = 8;
/// Reply-Message, text (RFC 2865 section 5.18).
pub const REPLY_MESSAGE: u8 = 18;
/// State (RFC 2865 section 5.24).
pub const STATE: u8 = 24;
/// Class, to be sent back in accounting (RFC 2865 section 5.25).
pub const CLASS: u8 = 25;
/// Vendor-Specific (RFC 2865 section 5.26).
pub const VENDOR_SPECIFIC: u8 = 26;
/// Session-Timeout, seconds (RFC 2865 section 5.27).
pub const SESSION_TIMEOUT: u8 = 27;
/// Called-Station-Id, text (RFC 2865 section 5.30).
pub const CALLED_STATION_ID: u8 = 30;
/// Calling-Station-Id, text (RFC 2865 section 5.31).
pub const CALLING_STATION_ID: u8 = 31;
/// NAS-Identifier, text (RFC 2865 section 5.32).
pub const NAS_IDENTIFIER: u8 = 32;
/// Proxy-State (RFC 2865 section 5.33).
pub const PROXY_STATE: u8 = 33;
/// Acct-Status-Type (RFC 2866 section 5.1).
pub const ACCT_STATUS_TYPE: u8 = 40;
/// Acct-Delay-Time, seconds (RFC 2866 section 5.2).
pub const ACCT_DELAY_TIME: u8 = 41;
/// Acct-Input-Octets, from the user (RFC 2866 section 5.3).
pub const ACCT_INPUT_OCTETS: u8 = 42;
/// Acct-Output-Octets, to the user (RFC 2866 section 5.4).
pub const ACCT_OUTPUT_OCTETS: u8 = 43;
/// Acct-Session-Id, text (RFC 2866 section 5.5).
pub const ACCT_SESSION_ID: u8 = 44;
/// Acct-Session-Time, seconds (RFC 2866 section 5.7).
pub const ACCT_SESSION_TIME: u8 = 46;
/// Acct-Terminate-Cause (RFC 2866 section 5.10).
pub const ACCT_TERMINATE_CAUSE: u8 = 49;
/// Acct-Input-Gigawords: how often Acct-Input-Octets wrapped (RFC 2869 section 5.1).
pub const ACCT_INPUT_GIGAWORDS: u8 = 52;
/// Acct-Output-Gigawords (RFC 2869 section 5.2).
pub const ACCT_OUTPUT_GIGAWORDS: u8 = 53;
/// CHAP-Challenge (RFC 2865 section 5.40).
pub const CHAP_CHALLENGE: u8 = 60;
/// NAS-Port-Type (RFC 2865 section 5.41).
pub const NAS_PORT_TYPE: u8 = 61;
/// Prompt, 0 = hide what is typed, 1 = show it (RFC 2869 section 5.10).
pub const PROMPT: u8 = 76;
/// EAP-Message (RFC 3579 section 3.1).
pub const EAP_MESSAGE: u8 = 79;
/// Message-Authenticator (RFC 3579 section 3.2).
pub const MESSAGE_AUTHENTICATOR: u8 = 80;
/// NAS-Port-Id, text (RFC 2869 section 5.17).
pub const NAS_PORT_ID: u8 = 87;
/// NAS-IPv6-Address (RFC 3162 section 2.1).
pub const NAS_IPV6_ADDRESS: u8 = 95;
/// Error-Cause (RFC 3576 section 3.6).
pub const ERROR_CAUSE: u8 = 101;
