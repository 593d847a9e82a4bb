package main

import (
	"encoding/asn1"
	"math/big"

	. "gatehouse/oracle/common"
)

func rawSignature(der []byte) (*big.Int, *big.Int) {
	var both struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(der, &both)
	Must(err)
	return both.R, both.S
}
