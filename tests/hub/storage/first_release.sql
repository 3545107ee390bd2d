-- A database as the first release left it (schema 1), with three accounts.
-- Its key is that of test_migrations.py. PostgreSQL calls BLOB BYTEA.
CREATE TABLE jupyter_auth_records (
    id VARCHAR(64) NOT NULL,
    owner VARCHAR(64) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    user_name TEXT NOT NULL,
    user_created TEXT NOT NULL,
    data BLOB,
    stamp INTEGER NOT NULL,
    lease VARCHAR(32),
    lease_until FLOAT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_jupyter_auth_records_user_name ON jupyter_auth_records (user_name);
CREATE INDEX ix_jupyter_auth_records_owner ON jupyter_auth_records (owner);
CREATE TABLE jupyter_auth_schema (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
);
INSERT INTO jupyter_auth_schema VALUES (1);
INSERT INTO jupyter_auth_records VALUES (
    'c6ab063c62f75bb0f32aeac5a946d8304baa8f5a064758cf96814eef0d782f38',
    '771fd2c16675ba0503f53876724b78c1db6121b4581042487a43fe09263428ff',
    'account', 'alice', '2025-11-01T08:00:00.000000Z',
    CAST('gAAAAABrDsDjsKtXYd3YWROkj0U9jwQXV6-pn_5a9_ipfaTuvN-u_n72lJf6X8s-mXWpBPr_IkeedDyPiukguZ21gxvIevlO5voOHQWRvMX8r2JPesn5tQhCRd_73LXFE3JtO43T6K_kIh-BWzatMJB3sY9u1vOHG8Nd9EqtGT4581LU1L4csF542PS67Ai7Gx_mUpXbHBFeacOdgnaUEXtZHxZaIVNKgqUXx7S_6-O0pM3pvz0ZL0g3TwdOx_5q0TFfLVynONtc98oRs1r8TB9pwpzyBb9_NDwqmXTjpZSc5CJy0R2qxDNCB6yTNt-xdLCDSlekhNZLzXTwDBwTyQNitbChCNSJuCe4nEZL4K17BEJ6HmVa0Fk56HqjFWVkDRq3nCs7vWbi0gwHYznwysoDafGIHpvsZz4Run_MDaCojCNTd3-dkmAdwGHtzkmTX7B9LBTW4VUaHr41aD9OzXyfjh4kabpQ5hcslk4-RHCMm7IkEcmJCL5XVU11CdzfnXgsvjV8kFxyzNVtk6AR5EJ2Gr9KpvdITwA3ncxKSRFrWc6ySQBhrxUspe50O1OveP3ZUGHf4HG72VPQ5HsLD3dY48_Jpp9fQX6x8w3Y9cJYJ4gewMFzs4-6e0LWWfEx99y4f4Zkbs36-fvPXdiC19Nztaa5VYbOucFOJ8t4u-sZ_eW_DdWiM7xWGMMuJ_hkMqRfnDYHnrEg-z4KqZbmfr2iaK9zYv0b8Htj4nA0aPGV9W7tDHBirOU=' AS BLOB),
    1, NULL, 0.0
);
INSERT INTO jupyter_auth_records VALUES (
    '5ea06879b073d539e666a800bbf79267de283f66fe369cceb04d4c729952689f',
    '771fd2c16675ba0503f53876724b78c1db6121b4581042487a43fe09263428ff',
    'account', 'alice', '2025-11-01T08:00:00.000000Z',
    CAST('gAAAAABrDsDj-rgjq6nVOiyyq44IEEHDw761UJP9pJM8xcip4g-v-KPCkcRi5o943bxnjDM5D4OyuD-FgVPNGGg2EvjLtL-00gv8gmgS19dJEutC7QaEPtQO6_ct2IQVjHFVHMPGCOLrhSPvk83_BkWLax5BprmXTKA_gQwkzhZkWDKgPO0A-ToNJ64bXr_fTdaOHIP43o8dnBHT0BWJbAGKHZ7c7dORE5zcV7ipyW81Ay6R-7Cll9yOFo3_U_3OdYaPindl9-SjOba6KvhgQh-Gpgw43UHlM6yvkqqiP82nawUozR8foshw1_LEL_S6B8Tu2--85zcSQJb0COxl3_y7E8u7_HJv7GFTRdGcwfo9abCdQrXDVrnzT5ik0EuaT2GL0Ig3YaMliEtaRaaOpQ-Aegrdr3E6v7efuzQqvKf5gjFHm_6kAMRKaIQwFEoCdtbgNej8vDxbMscWN2LZQttEzTrBsgtADvaADNJwF65DF-C0KVX4yfBWN1IeUaTCDAqJ0c8gNXz72mGeavEBep_HuibKNSdwp1gLAXgWGsHuuk1p5T-hFi43ng0gO65xBgOYaik87MI6N7xfoNfrI_mnd4otJobdO5z7iTjlkmmqq01c6Zrw3aI0RDGG8HawagRk47dSGYjvrkiZe4sduzi-7Q1Z1E1lLWiX6148LyooEl6hiRsRxYrENGIinShUI1LXydB1jZe-3ENJWNm6uA7tuoDmQPMsjg==' AS BLOB),
    1, NULL, 0.0
);
INSERT INTO jupyter_auth_records VALUES (
    'd416663812bb864bf516534dd2cec89a2102fb637c733007cc30e28b54280d9c',
    '2f55cfb9e634462585f69e6233ed275ec605cafe1e6ae5eee4e2f4a042e6b6a1',
    'account', 'bob', '2025-11-02T08:00:00.000000Z',
    CAST('gAAAAABrDsDjSq9GuTk9p1e8Qg3s7yAvVYoH8bsBb7hjyvqkzI9qCuBhBteGYha66CDKBiblgTPj41p7zDbAWkNcxHsCiFF9rVZiSO4MicGTcIEbTWpeMJQlwKwh8JigcNZncamTYUfBKfKtubJr1SMs6L7nQ9oBom5SsN5L9e_4hsCuD85A3SsUm0AJKscBDSUURAwOz-GFlquimghol3AJo-2f9J0jVfUVGCsDAWgdifJGRK1k4QT2l9K-ysjYjkoaQCw0tdyYhA6j7G5oHXyr7vO6NAlBYLXcfZ4UI6mPXNVF287U2J2F642p7CQUOlzU-6PKT1Qn4YkGHwq4gtmNvILFVToDGESIHpHW0vzERHVvZruQI4S68RKrW1_rTgfGMsSjpHEdA0Vut8aLA0sCDFDRr9fsKWeGiVo66ooYmGrs9-VRA_yLY5hZW0zJ_thdrItlbsOs7dgActm3tBpeDQ0fkIooaqvMEdSTMFYDloIBrODTNmfL4_vvRh-iw_aSccTIECXwG33oRfCm-67Z4HDQ3y9qrvgfW470Htxb3BuFiEu9Ed3iYVM8vsnRg2onPyikukSAIbSWl1c79zciwJ9lY9xjDMj4dDg1UwufehqA-wEpRDdocevciOiHRXNzadzf6HPpOdEmZ0QWBleoSYe9oK5v0vQUJYY4yQwfhL2AKP4h70q6jqnGT03DryQnLYvr0GjYKyaarnpF4rInOR4sqnzzwA==' AS BLOB),
    1, NULL, 0.0
);
