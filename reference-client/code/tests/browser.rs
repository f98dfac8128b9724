//! A code printed on a page, and the page photographed by a browser: another one draws, turns, tilts and blurs here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot begin has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use purser_code::{Code, Picture, read};

fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    named.into_iter().chain(usual).find(|path| path.exists())
}

/// A page of a menu, with a code on it.
fn page(svg: &str, side: usize, style: &str) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><style>body{{margin:0;background:#8a7f72;font:16px serif}}\
         main{{perspective:900px;width:900px;height:800px;display:grid;place-items:center;overflow:hidden}}\
         article{{background:#fdfcf8;padding:24px;width:400px;{style}}}svg{{width:{side}px;display:block;margin:auto}}</style>\
         <main><article><h2>Tea, 12.80 yuan</h2>{svg}<p>Longjing, and hot water. 龙井</article></main>"
    )
}

fn photographed(browser: &Path, folder: &Path, name: &str, page: &str) -> Picture {
    let (html, png) = (folder.join(format!("{name}.html")), folder.join(format!("{name}.png")));
    std::fs::write(&html, page).unwrap();
    let status = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=900,800"])
        .args(["--no-first-run", "--disable-background-networking", "--force-device-scale-factor=1"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--screenshot={}", png.display()))
        .arg(format!("file://{}", html.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "{name}");
    Picture::read(&std::fs::read(png).unwrap()).unwrap()
}

#[test]
fn a_page_photographed_by_a_browser_is_read() {
    let Some(browser) = browser() else {
        let required = std::env::var_os("PURSER_REQUIRE_ALL").is_some_and(|all| all == "1");
        assert!(!required, "there is no Chromium");
        eprintln!("skipped: there is no Chromium (chromium, or CHROMIUM=/path)");
        return;
    };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let texts = ["HTTPS://SHOP.EXAMPLE:8442/Q/4RT9X2KQ0M".to_owned(), format!("PURSER:{}", "7WE QE6A%".repeat(33))];
    for (name, style) in [
        ("flat", ""),
        ("turned", "transform:rotate(17deg)"),
        ("tilted", "transform:rotateX(25deg) rotateY(-15deg) rotate(-8deg)"),
        ("blurred", "filter:blur(1.2px)"),
        ("dark", "transform:rotate(-30deg);filter:brightness(0.25)"),
    ] {
        for (at, text) in texts.iter().enumerate() {
            let code = Code::of(text).unwrap();
            // With its margin, and about five pixels a module.
            let page = page(&code.to_svg(), (code.width() + 8) * 5, style);
            let picture = photographed(&browser, &folder, &format!("{name}-{at}"), &page);
            assert_eq!(read(&picture), [text.as_str()], "{name}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
