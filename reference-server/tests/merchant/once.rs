//! One receipt is served once, whoever asks at the same moment and whatever stops in the middle: B19.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::line::{Answer, Ask, HOST_NAME, Line, connect};
use crate::papers::id;
use crate::town::{Offered, Shop, TEA, TEA_MINOR, Town, within};

pub(crate) const TASKS: usize = 64;

/// Sends the credentials on connections of their own, all at once, in turn to each of the processes.
pub(crate) async fn at_once(town: &Town, processes: &[SocketAddr], ask: &Ask, credentials: Vec<String>) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(credentials.len()));
    let mut tasks = JoinSet::new();
    for (at, credential) in credentials.into_iter().enumerate() {
        let mut line = within(Line::open(processes[at % processes.len()], &town.tls)).await;
        let (start, request) = (Arc::clone(&start), ask.request(Some(&credential)));
        tasks.spawn(async move {
            start.wait().await;
            line.send(request).await.undated()
        });
    }
    within(tasks.join_all()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b19_sixty_four_redemptions_of_one_receipt_over_two_processes_are_one_sale() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let second = town.second_process_of(&shop).await;
    let payer = town.payer(100_000).await;
    let ask = Ask::get("/tea");
    for round in 1..=4 {
        let bought = town.pay(&payer, &shop.offered(&ask).await).await;
        let answers = at_once(&town, &[shop.addr, second.addr], &ask, vec![bought.credential(); TASKS]).await;
        assert_eq!((answers[0].status, &answers[0].body[..]), (200, TEA.as_bytes()));
        for answer in &answers {
            assert_eq!(answer, &answers[0], "one delivery, and one only was signed");
        }
        assert_eq!(shop.number("SELECT count(*) FROM offers WHERE receipt_id IS NOT NULL"), round);
    }
    assert_eq!(shop.number("SELECT count(*) FROM debts"), 0);
    assert_eq!(town.balances(&shop, &[&payer]), (4 * TEA_MINOR, vec![100_000 - 4 * TEA_MINOR]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_accounts_that_pay_one_offer_get_one_pot_of_tea_and_seven_refunds() {
    const PAYERS: usize = 8;
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let second = town.second_process_of(&shop).await;
    let ask = Ask::get("/tea");
    let offered = shop.offered(&ask).await;
    let (mut payers, mut credentials) = (Vec::new(), Vec::new());
    for _ in 0..PAYERS {
        let payer = town.payer(2_000).await;
        let bought = town.pay(&payer, &offered).await;
        credentials.extend(vec![bought.credential(); TASKS / PAYERS]);
        payers.push(payer);
    }
    let answers = at_once(&town, &[shop.addr, second.addr], &ask, credentials.clone()).await;
    let served: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(served.len(), TASKS / PAYERS, "one payer, as often as it asked");
    assert!(served.iter().all(|answer| *answer == served[0]));
    let others = answers.iter().filter(|answer| answer.status != 200);
    others.for_each(|answer| assert!(matches!(answer.status, 409 | 503), "{answer:?}"));

    let mut refunded = 0;
    for credential in credentials.iter().step_by(TASKS / PAYERS) {
        let answer = second.ask_on(&ask, credential).await;
        refunded += usize::from(answer.status == 409 && answer.json()["refund"] == "refunded");
    }
    assert_eq!(refunded, PAYERS - 1);
    let (till, purses) = town.balances(&shop, &payers.iter().collect::<Vec<_>>());
    assert_eq!(till, TEA_MINOR);
    assert_eq!(purses.iter().filter(|minor| **minor == 2_000).count(), PAYERS - 1);
    assert_eq!(purses.iter().filter(|minor| **minor == 2_000 - TEA_MINOR).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_redemptions_over_two_processes_of_the_program_are_one_sale() {
    let mut town = Town::new().await;
    let mut shop = town.shop("tea.example").await;
    shop.stop().await;
    let programs = [Program::start(&town, &shop), Program::start(&town, &shop)];
    let payer = town.payer(10_000).await;
    let ask = Ask::get("/tea");
    let bought = town.pay(&payer, &Offered::of(&programs[0].ask(&town, &ask, None).await)).await;
    let addresses = programs.each_ref().map(|program| program.1);
    let answers = at_once(&town, &addresses, &ask, vec![bought.credential(); TASKS]).await;
    assert_eq!((answers[0].status, &answers[0].body[..]), (200, TEA.as_bytes()));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "one delivery, and one only was signed");
    assert_eq!(shop.number("SELECT count(*) FROM offers WHERE receipt_id IS NOT NULL"), 1);
    assert_eq!(town.balances(&shop, &[&payer]), (TEA_MINOR, vec![10_000 - TEA_MINOR]));
}

/// The program itself, as a shop's process that can be killed.
struct Program(Child, SocketAddr);

impl Program {
    fn start(town: &Town, shop: &Shop) -> Self {
        let config = town.dir.join("program.toml");
        std::fs::write(&config, &shop.config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_purser-server"))
            .args(["merchant", "--config"])
            .arg(config)
            .env("PURSER_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self(child, ready["addr"].as_str().unwrap().parse().unwrap())
    }

    async fn ask(&self, town: &Town, ask: &Ask, credential: Option<&str>) -> Answer {
        let mut line = within(Line::open(self.1, &town.tls)).await;
        within(line.send(ask.request(credential))).await
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_the_sale_and_its_answer_changes_no_answer() {
    let mut town = Town::new().await;
    // The shop that the program stands in for; only its store and its settings are used.
    let mut shop = town.shop("tea.example").await;
    shop.stop().await;
    let payer = town.payer(10_000).await;
    let ask = Ask::get("/tea");

    let mut program = Program::start(&town, &shop);
    let offered = Offered::of(&program.ask(&town, &ask, None).await);
    program.kill();
    let bought = town.pay(&payer, &offered).await;

    // An offer that was shown is known after any end of the process.
    let mut program = Program::start(&town, &shop);
    let credential = bought.credential();
    let mut socket = within(connect(program.1, &town.tls)).await;
    let request = format!("GET /tea HTTP/1.1\r\nHost: {HOST_NAME}\r\nAuthorization: {credential}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    let sold = async {
        while shop.number("SELECT count(*) FROM offers WHERE receipt_id IS NOT NULL") == 0 {
            tokio::task::yield_now().await;
        }
    };
    within(sold).await;
    // It is sold, and nobody has read an answer.
    program.kill();
    drop(socket);

    let mut answers = Vec::new();
    for _ in 0..2 {
        let mut program = Program::start(&town, &shop);
        answers.push(program.ask(&town, &ask, Some(&credential)).await.undated());
        program.kill();
    }
    assert_eq!((answers[0].status, &answers[0].body[..]), (200, TEA.as_bytes()));
    assert_eq!(answers[0], answers[1]);
    let delivery = purser_protocol::bind::base64url::decode(answers[0].header("purser-delivery")).unwrap();
    let same = format!("SELECT count(*) FROM offers WHERE delivery = x'{}'", hex(&delivery));
    assert_eq!(shop.number(&same), 1, "the delivery that was signed before the kill: {}", id(&delivery));
    assert_eq!(town.balances(&shop, &[&payer]), (TEA_MINOR, vec![10_000 - TEA_MINOR]));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
