//! The shipped example of a provider is a provider.

use otpost_sms::{HttpConfig, HttpTransport};

#[test]
fn the_shipped_provider_example_is_accepted() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/provider.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let config: HttpConfig = toml::from_str(&text).unwrap();
    let transport = HttpTransport::new(&config).unwrap();
    assert!(!transport.needs_sender());
}
