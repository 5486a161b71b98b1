//! The accent colour of a resource, as a stylesheet of one line: no style is allowed inside a page.

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{PageError, assets::FOREVER};

/// An accent colour: a hue of the OKLCH colour space, in degrees below 360. Lightness and chroma are the stylesheet's, so
/// that text stays readable in both themes whatever an administrator picks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent(u16);

impl Accent {
    /// From `#rrggbb`. `None` for anything else, and for greys, which have no hue.
    #[must_use]
    pub fn from_hex(colour: &str) -> Option<Self> {
        let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let octets = data_encoding::HEXLOWER_PERMISSIVE
            .decode(digits.as_bytes())
            .ok()?;
        let [r, g, b] = <[u8; 3]>::try_from(octets).ok()?.map(linear);
        // Björn Ottosson's OKLab, from linear sRGB.
        let l = (0.412_221_47 * r + 0.536_332_54 * g + 0.051_445_99 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_84 * g + 0.629_978_7 * b).cbrt();
        let green_red = 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s;
        let blue_yellow = 0.025_904_04 * l + 0.782_771_77 * m - 0.808_675_77 * s;
        if green_red.hypot(blue_yellow) < 0.02 {
            return None;
        }
        let degrees = blue_yellow
            .atan2(green_red)
            .to_degrees()
            .rem_euclid(360.0)
            .floor();
        (0..360).find(|hue| f64::from(*hue) >= degrees).map(Self)
    }

    /// Where its stylesheet is.
    #[must_use]
    pub fn path(self) -> String {
        format!("/brand/{}.css", self.0)
    }
}

fn linear(octet: u8) -> f64 {
    let value = f64::from(octet) / 255.0;
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

/// `/brand/205.css`
pub(crate) async fn serve(Path(file): Path<String>) -> Result<Response, PageError> {
    let hue = file.strip_suffix(".css").and_then(|hue| hue.parse::<u16>().ok());
    let hue = hue.filter(|hue| *hue < 360).ok_or(PageError::NotFound)?;
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    let css = format!(":root{{--hue:{hue}}}\n");
    Ok((
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOREVER)],
        css,
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::Accent;

    #[test]
    fn colours_have_the_hues_that_browsers_compute() {
        // Of CSS Color 4: oklch() of red, lime, blue and of the sample resource's petrol.
        for (colour, hue) in [
            ("#ff0000", 29),
            ("#00ff00", 142),
            ("#0000FF", 264),
            ("#006a80", 217),
        ] {
            let accent = Accent::from_hex(colour).unwrap();
            assert!(accent.0.abs_diff(hue) <= 3, "{colour}: {accent:?}");
        }
    }

    #[test]
    fn what_is_no_colour_has_no_accent() {
        for text in [
            "",
            "red",
            "#fff",
            "#12345",
            "#gggggg",
            "#808080",
            "#ffffff",
            "#000000",
            "#1f6f8b;}",
        ] {
            assert_eq!(Accent::from_hex(text), None, "{text}");
        }
    }
}
