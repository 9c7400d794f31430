from adapters.arrowhead.four.four_cloud import FourCloud
from fabloop.adapters.arrowhead.four.wire import write_instant


def subscribe(cloud, *, by="crane", **more):
    body = {
        "eventType": "SYSTEM_READY",
        "subscriberSystem": {"systemName": "crane", "address": "10.0.0.2", "port": 9001},
        "notifyUri": "/notify",
        "matchMetaData": False,
        **more,
    }
    return cloud.post("/eventhandler/subscribe", body, by=by)


def publish(cloud, *, by="welding-robot", **more):
    body = {
        "eventType": "system_ready",
        "source": {"systemName": "welding-robot", "address": "10.0.0.1", "port": 9000},
        "metaData": {"cell": "7"},
        "payload": "ready",
        "timeStamp": write_instant(cloud.small.at),
        **more,
    }
    return cloud.post("/eventhandler/publish", body, by=by)


def heard():
    cloud = FourCloud()
    crane = cloud.consumer()
    cloud.allow(crane, cloud.offer().json())
    return cloud


def test_who_subscribed_and_may_hear_gets_the_event():
    cloud = heard()
    assert subscribe(cloud).status_code == 200
    assert publish(cloud).status_code == 200
    (sent,) = cloud.sent
    assert (sent.subscription.subscriber, sent.subscription.notify_uri) == ("Crane", "/notify")
    assert (sent.event.payload, sent.event.metadata) == ("ready", {"cell": "7"})


def test_who_may_not_use_a_system_does_not_hear_of_it():
    cloud = FourCloud()
    cloud.offer()
    subscribe(cloud)
    assert publish(cloud).status_code == 200
    assert cloud.sent == []


def test_a_filter_of_metadata_and_sources_holds():
    cloud = heard()
    subscribe(cloud, filterMetaData={"cell": "8"}, matchMetaData=True)
    publish(cloud)
    assert cloud.sent == []
    subscribe(cloud, sources=[{"systemName": "painter", "address": "x", "port": 1}])
    publish(cloud)
    assert cloud.sent == []


def test_nobody_speaks_for_others():
    cloud = heard()
    assert subscribe(cloud, by="painter").status_code == 401
    assert publish(cloud, by="painter").status_code == 401


def test_old_news_is_refused():
    cloud = heard()
    answer = publish(cloud, timeStamp="2020-01-01T00:00:00Z")
    assert answer.status_code == 400
    assert "timeStamp" in answer.json()["errorMessage"]


def test_who_unsubscribes_hears_no_more():
    cloud = heard()
    subscribe(cloud)
    path = (
        "/eventhandler/unsubscribe?event_type=system_ready&subscriber_name=crane"
        "&subscriber_address=10.0.0.2&subscriber_port=9001"
    )
    assert cloud.delete(path, by="crane").status_code == 200
    publish(cloud)
    assert cloud.sent == []
