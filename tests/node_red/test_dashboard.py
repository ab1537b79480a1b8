"""The dashboard in a browser: it shows the power, and its buttons drive the twin."""

import json

import pytest

GAUGES = "[...document.querySelectorAll('.nrdb-ui-gauge')].map((gauge) => gauge.innerText.replace(/\\s+/g, ' '))"
BUTTONS = "[...document.querySelectorAll('button')]"
CHART = "[...document.querySelectorAll('.nrdb-ui-chart canvas')].some((canvas) => canvas.width > 0)"


@pytest.fixture
async def page(red, read, demo, witness, browser):
    await red.deploy(read("dashboard", demo.port))
    page = await browser.open(f"{red.url}/dashboard", width=1200, height=900)
    await page.until(f"{GAUGES}.length === 4 && {BUTTONS}.length >= 5 && {CHART}")
    return page


async def click(page, label):
    await page.act(f"{BUTTONS}.find((button) => button.innerText.trim() === {json.dumps(label)}).click()")


async def shows(page, *texts):
    wanted = json.dumps(texts)
    await page.until(f"{wanted}.every((text) => document.body.innerText.replace(/\\s+/g, ' ').includes(text))")


async def test_its_buttons_drive_the_twin_and_its_gauges_show_the_power(page, witness, red):
    await shows(page, "Status Available", "Car not plugged", "Transaction none")
    await click(page, "Plug in")
    await witness.until("garage/1/state", lambda state: state["plugged"])
    await click(page, "Swipe 04A2B3C4")
    accepted = await witness.event("garage", "transaction_accepted")
    await shows(page, "Status Charging", "Card 04A2B3C4", f"Transaction runs {accepted['data']['transaction_id']}")
    # 16 A in three phases of 230 V may flow; the meter says what does.
    await page.until(f"{GAUGES}[1].includes('11.04 kW')")
    await witness.say("garage/1/set/meter", {"power_w": 7360, "soc_pct": 61})
    await page.until(f"{GAUGES}[0].includes('7.36 kW') && {GAUGES}[3].includes('61 %')")

    await click(page, "Stop")
    await witness.event("garage", "transaction_stopped")
    await shows(page, "Status Finishing", "ended 1: Local")
    await page.until(f"{GAUGES}[1].includes('0 kW')")
    await click(page, "Unplug")
    await shows(page, "Status Available", "Last event unplugged")
    assert list(page.complaints) == []
    assert red.complaints == []


async def test_a_refusal_pops_up(page, red):
    await click(page, "Stop")
    await shows(page, "garage/1/cmd/stop:")
    await click(page, "Swipe BLOCKED1")
    await shows(page, "authorization failed: Blocked")
    assert red.complaints == []


async def test_who_opens_it_later_sees_what_is(page, browser, red, witness):
    await click(page, "Plug in")
    await click(page, "Swipe 04A2B3C4")
    await witness.until("garage/1/state", lambda state: state["status"] == "Charging")
    await witness.say("garage/1/set/power_w", "3680")
    await page.until(f"{GAUGES}[0].includes('3.68 kW')")
    other = await browser.open(f"{red.url}/dashboard/charge-point")
    await other.until(f"{GAUGES}.length === 4 && {GAUGES}[0].includes('3.68 kW')")
    await shows(other, "Status Charging")
