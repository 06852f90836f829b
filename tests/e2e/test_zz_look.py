"""Pictures to look at."""
import sys, os, datetime as dt
from pathlib import Path
from playwright.sync_api import expect
from tests.e2e.busy import *
from tests.e2e.spent import *
from tests.e2e.driver import *
from tests.support.living_house import living_house, fresh_database
OUT=Path("/tmp/shots")

def test_look(pg_url, template):
    s={"MECUM_GATE_TOKENS_START":"240000","MECUM_GATE_TOKENS_MAX":"240000","MECUM_CURRENCY":"EUR"}
    with fresh_database(pg_url, template) as url, living_house(url, settings=s) as house, chromium(chromium_path()) as browser:
        for p in house.get("/api/providers")["items"]:
            house.request("DELETE", f"/api/providers/{p['id']}").raise_for_status()
        if "nomodel" in os.environ.get("W",""):
            with desk(house, browser, "owner", name="Tom Verlinden") as tom: shots(tom,"capacity-nothing","/admin/capacity")
        for name in ("Rack in the cellar","Nordwind"):
            house.post("/api/providers", {"name":name,"base_url":house.fake.base_url,"models":[{"upstream_model":"fake","name":"m-"+name[:4]}]})
        rack="Rack in the cellar"
        people=[house.add_person(f"p{i}@example.org") for i in range(4)]
        names=["Ines Peeters","Energy reports","Archive import","Chemistry agents"]
        for i,n in enumerate(names):
            b=house.browser(f"p{i}@example.org"); b.request("GET","/api/session"); b.request("PATCH","/api/me",json={"name":n})
        k=house.run(house.people.add_key("p0@example.org","corpus",("chat","models")))
        ines=Desk(house,browser,"p0@example.org",[])
        now=dt.datetime.now(dt.UTC)
        W=os.environ.get("W","capacity usage")
        if "usage" in W:
            shots(ines,"usage-empty","/usage")
            write_down(house, month_of(people[1],5,now,cost=0))
            shots(Desk(house,browser,"p1@example.org",[]),"usage-free","/usage")
            from mecum.kit.ids import encode
            kid=encode("key",k.id)
            recs=month_of(people[0],40,now,key=kid)
            recs[-3]=dataclasses.replace(recs[-3],degraded="shorter")
            write_down(house, recs)
            b=house.browser("p0@example.org"); b.request("GET","/api/session")
            print(b.request("POST","/api/usage/budgets",json={"unit":"money","amount":"12.00","period":"month"}).text)
            b.request("POST","/api/usage/budgets",json={"unit":"money","amount":"0.40","period":"week","key":kid})
            house.post("/api/budgets",{"subject":"each_person","unit":"tokens","amount":2000000,"period":"day"})
            shots(ines,"usage-full","/usage")
            page=ines.page("/usage"); page.get_by_role("button",name="Set a cap").click(); page.wait_for_timeout(500); page.screenshot(path=OUT/"usage-dialog.png")
        if "capacity" in W:
          with desk(house, browser, "owner", name="Tom Verlinden") as tom:
            calls=[asked(people[0],"interactive",72000,rack),asked(people[3],"interactive",50000,rack),asked(people[0],"api",58000,rack,k.id),
                   asked(people[1],"background",23500,rack)]
            bulk=[asked(people[2],"bulk",9000,rack)]*3
            late=[asked(people[1],"background",4000,rack)]*6+bulk+[asked(people[3],"background",3000,rack)]*3+[asked(people[0],"api",50000,rack,k.id)]*2
            calls=[asked(people[2],"bulk",25000,rack)]+calls+late
            calls+=[asked(people[0],"interactive",50000,"Nordwind"),asked(people[0],"api",40000,"Nordwind",k.id)]
            remember_an_hour(house, rack, 240000); remember_an_hour(house,"Nordwind",240000,rush=.999,size=.3)
            with standing(house, calls):
                waited(house, 11.2)
                shots(tom,"capacity-busy","/admin/capacity", wait="Who waits, and why")
                if "week" in W:
                    page=tom.page("/admin/capacity",viewport={"width":1280,"height":900}); page.get_by_text("Week",exact=True).click(); page.wait_for_timeout(1500); page.screenshot(path=OUT/"capacity-week.png",full_page=True)

def shots(who,name,path,wait=None):
    for label,o in (("light",dict(color_scheme="light",viewport={"width":1280,"height":900})),("dark",dict(color_scheme="dark",viewport={"width":1280,"height":900})),("phone",dict(viewport={"width":360,"height":780},device_scale_factor=2,is_mobile=True,has_touch=True))):
        page=who.page(path,reduced_motion="reduce",**o)
        if wait: expect(page.get_by_text(wait).first).to_be_visible()
        page.wait_for_timeout(900)
        page.screenshot(path=OUT/f"{name}-{label}.png",full_page=True)
        if page.evaluate("document.documentElement.scrollWidth")>o["viewport"]["width"]: print("TOO WIDE", name, label)
        page.close()
    for w in who.windows: print(w.troubles)
