use crate::{Authenticator, MessageAuthenticator, Packet, SharedSecret, WireError, attribute};

/// Acct-Status-Type (RFC 2866 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcctStatus {
    /// 1: a session began.
    Start,
    /// 2: it ended.
    Stop,
    /// 3: it goes on.
    InterimUpdate,
    /// 7: the VPN started; sessions it had before are over.
    AccountingOn,
    /// 8: the VPN stops.
    AccountingOff,
    /// Any other number.
    Other(u32),
}

/// What an Accounting-Request tells of a session. What is absent or has a wrong length is `None`: a record with
/// gaps is better than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounting<'a> {
    /// What happened. `None` makes the request unusable (RFC 2866 section 5.1).
    pub status: Option<AcctStatus>,
    /// Acct-Session-Id as it came.
    pub session: Option<&'a [u8]>,
    /// User-Name as it came.
    pub user: Option<&'a [u8]>,
    /// Framed-IP-Address: the address inside the tunnel.
    pub framed_ip: Option<[u8; 4]>,
    /// Seconds the session lasted.
    pub seconds: Option<u32>,
    /// Octets from the user.
    pub input_octets: Option<u64>,
    /// Octets to the user.
    pub output_octets: Option<u64>,
    /// Acct-Terminate-Cause (RFC 2866 section 5.10).
    pub terminate_cause: Option<u32>,
    /// Acct-Delay-Time: seconds the VPN has been trying to send this.
    pub delay: Option<u32>,
}

impl<'a> Accounting<'a> {
    /// Reads the attributes of an Accounting-Request that was checked.
    #[must_use]
    pub fn read(packet: &Packet<'a>) -> Self {
        let number = |kind| {
            let value = packet.first(kind)?.as_array::<4>()?;
            Some(u32::from_be_bytes(*value))
        };
        let octets = |low, high| {
            let low = number(low)?;
            Some(u64::from(low) | u64::from(number(high).unwrap_or_default()) << 32)
        };
        Self {
            status: number(attribute::ACCT_STATUS_TYPE).map(AcctStatus::from),
            session: packet.first(attribute::ACCT_SESSION_ID),
            user: packet.first(attribute::USER_NAME),
            framed_ip: packet
                .first(attribute::FRAMED_IP_ADDRESS)
                .and_then(|value| value.as_array().copied()),
            seconds: number(attribute::ACCT_SESSION_TIME),
            input_octets: octets(attribute::ACCT_INPUT_OCTETS, attribute::ACCT_INPUT_GIGAWORDS),
            output_octets: octets(attribute::ACCT_OUTPUT_OCTETS, attribute::ACCT_OUTPUT_GIGAWORDS),
            terminate_cause: number(attribute::ACCT_TERMINATE_CAUSE),
            delay: number(attribute::ACCT_DELAY_TIME),
        }
    }
}

impl From<u32> for AcctStatus {
    fn from(number: u32) -> Self {
        match number {
            1 => Self::Start,
            2 => Self::Stop,
            3 => Self::InterimUpdate,
            7 => Self::AccountingOn,
            8 => Self::AccountingOff,
            other => Self::Other(other),
        }
    }
}

impl From<AcctStatus> for u32 {
    fn from(status: AcctStatus) -> Self {
        match status {
            AcctStatus::Start => 1,
            AcctStatus::Stop => 2,
            AcctStatus::InterimUpdate => 3,
            AcctStatus::AccountingOn => 7,
            AcctStatus::AccountingOff => 8,
            AcctStatus::Other(other) => other,
        }
    }
}

impl Packet<'_> {
    /// Checks an Accounting-Request: its authenticator, MD5 over the packet with zeros in the authenticator's place
    /// and the secret (RFC 2866 section 3), and its Message-Authenticator, if it has one.
    ///
    /// # Errors
    /// [`WireError::RequestAuthenticatorWrong`] or what [`Self::check_message_authenticator`] finds. All deserve
    /// silence.
    pub fn check_accounting_request(&self, secret: &SharedSecret) -> Result<MessageAuthenticator, WireError> {
        if !self.is_signed_over(secret, &Authenticator([0; 16])) {
            return Err(WireError::RequestAuthenticatorWrong);
        }
        self.check_message_authenticator(secret)
    }
}
